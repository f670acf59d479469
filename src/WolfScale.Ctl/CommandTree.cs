using System.CommandLine;
using WolfScale.Ctl.Commands;

namespace WolfScale.Ctl;

/// <summary>All verbs of <c>wolfctl</c>.</summary>
internal static class CommandTree
{
    public static RootCommand Create() =>
        new("wolfctl: looks after a WolfScale cluster.")
        {
            GlobalOptions.Config,
            CtlOptions.LogLevel,
            CtlOptions.Endpoint,
            CtlOptions.TokenFile,
            CtlOptions.CaCertificate,
            CtlOptions.Timeout,
            CtlOptions.Json,
            CtlOptions.Yes,
            ListCommand.Create(),
            StatusCommand.Create(),
            StatsCommand.Create(),
            DoctorCommand.Create(),
            SwitchoverCommands.Promote(),
            SwitchoverCommands.Demote(),
            MembershipCommands.Leave(),
            MembershipCommands.Remove(),
            MaintenanceCommand.Create(),
            EventsCommand.Create(),
            RecoverCommand.Create(),
            DetachCommand.Create(),
            MigrateCommand.Create(),
            VerifyCommand.Create(),
            ReloadCommand.Create(),
            LogLevelCommand.Create(),
            WalCommand.Create(),
            CheckConfigCommand.Create(),
            TuneCommand.Create(),
            BinlogSetupCommand.Create(),
            CompletionCommand.Create(),
            ManualCommand.Create(Create),
        };
}
