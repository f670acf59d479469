using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Ctl.Commands;
using WolfScale.MariaDb.Tuning;

namespace WolfScale.Ctl.Tuning;

/// <summary>
/// One run of <c>tune-mariadb</c>: 1 look at the machine, the server and its option files; 2 plan; 3 ask mariadbd whether it would start like that; 4 show what changes, and ask; 5 write;
/// 6 restart, after the lead was handed over; 7 say what is in force.
/// </summary>
internal sealed class TuneRun(ParseResult parsed, TuneOptions options)
{
    /// <summary>From the start of a server to its first answer, with a recovery in between.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    private readonly List<string> _remarks = [];
    private readonly bool _json = parsed.GetValue(CtlOptions.Json);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var configuration = Configuration();
        var running = configuration is null ? null : await RunningServer.TryLookAsync(LocalServer.Options(configuration), cancellationToken);    // 1
        var machine = await MachineAsync(cancellationToken);
        var wanted = WantedSettings.For(machine, ServerId(configuration, running), ExtraPort(configuration, running));
        var plan = TuningPlan.Make(options.File, options.DefaultsFile, wanted);                     // 2
        var check = await CheckAsync(plan, cancellationToken);                                      // 3
        var diff = UnifiedDiff.Of(plan.File, plan.Before, plan.After);
        Show(diff, plan, machine);
        var needsRestart = running is null ? plan.Changes : Differing(wanted, check, running).Any();
        var (written, restarted) = (false, false);
        var restarts = needsRestart && !options.NoRestart && plan.IsRead && plan.Conflicts.IsEmpty && await options.Unit.IsActiveAsync(cancellationToken);
        if (plan.Changes || restarts)
        {
            using var handover = restarts && configuration is not null ? await Handover.LookAsync(parsed, configuration.Node.Id, cancellationToken) : null;
            if (Consent.Given(parsed, options.DryRun, [.. Steps(plan, restarts, handover)]))        // 4
            {
                if (plan.Changes)
                    OptionFileWriter.Write(plan.File, plan.After);                                  // 5
                written = plan.Changes;
                if (restarts)
                {
                    running = await RestartAsync(configuration, handover, cancellationToken);       // 6
                    restarted = true;
                    needsRestart = running is not null && Differing(wanted, check, running).Any();
                }
            }
        }

        Tell(plan, check, wanted, new Result(diff, written, restarted, needsRestart, running));     // 7
        return plan.Conflicts.IsEmpty ? ExitCode.Done : ExitCode.Refused;
    }

    /// <summary>None yet is fine: MariaDB may be set up first.</summary>
    private NodeConfiguration? Configuration()
    {
        var path = parsed.GetValue(GlobalOptions.Config)!;
        if (parsed.GetResult(GlobalOptions.Config) is not { Implicit: false } && !File.Exists(path))
        {
            _remarks.Add($"There is no configuration {path} yet: the server_id is made of this machine's name, and the server that runs was not looked at.");
            return null;
        }

        var configuration = GlobalOptions.Load(parsed).Configuration;
        if (!configuration.Database.Enabled)
            throw new RefusedException("This node is a witness (database.enabled = false): it has no MariaDB.");
        if (configuration.Database.Socket.Length == 0 && !new HostPort(configuration.Database.Host, configuration.Database.Port).IsLoopback)
            throw new RefusedException($"The MariaDB of this configuration is on another machine, {configuration.Database.Host}: run this there.");
        return configuration;
    }

    private async Task<MachineResources> MachineAsync(CancellationToken cancellationToken)
    {
        var machine = MachineResources.OfThisMachine();
        if (options.MemoryBytes is { } given)
            return machine with { MemoryBytes = given, MemoryIsFrom = "--memory" };
        return await options.Unit.MemoryLimitAsync(cancellationToken) is { } limit && limit < machine.MemoryBytes
            ? machine with { MemoryBytes = limit, MemoryIsFrom = $"MemoryMax of {options.Unit.Name}" }
            : machine;
    }

    /// <summary>A server that has an id of its own keeps it; 1 is what every server has that was never given one.</summary>
    private static uint ServerId(NodeConfiguration? configuration, RunningServer? running) =>
        uint.TryParse(running?.Variables.GetValueOrDefault("server_id"), CultureInfo.InvariantCulture, out var id) && id > 1
            ? id
            : WantedSettings.ServerIdFor(configuration?.Node.Id ?? Environment.MachineName);

    /// <summary>That of the running server, else the first from 3308 on that the configuration does not use.</summary>
    private static int ExtraPort(NodeConfiguration? configuration, RunningServer? running)
    {
        if (int.TryParse(running?.Variables.GetValueOrDefault("extra_port"), CultureInfo.InvariantCulture, out var port) && port > 0)
            return port;
        var used = configuration is null ? [] : new[] { configuration.Node.BindAddress, configuration.Api.BindAddress, configuration.Proxy.BindAddress, configuration.Database.FeedBindAddress }
            .Select(a => HostPort.TryParse(a, out var address, out _) ? address.Port : 0).Append(configuration.Database.Port).ToArray();
        return Enumerable.Range(3308, 100).First(p => !used.Contains(p));
    }

    private async Task<OptionCheck> CheckAsync(TuningPlan plan, CancellationToken cancellationToken)
    {
        // A file elsewhere is judged by itself.
        var check = await OptionCheck.AskAsync(plan.IsRead ? plan.Options : OptionFiles.Read(plan.File, (plan.File, plan.After)), cancellationToken);
        if (!check.Accepted)
            throw new RefusedException($"MariaDB would not start with these options, so nothing was written: {string.Join("; ", check.Said)}.");
        _remarks.AddRange(check.Said.Where(s => plan.Written.Any(w => s.Contains(w.Name, StringComparison.Ordinal) || s.Contains(w.Name.Replace('_', '-'), StringComparison.Ordinal))));
        if (!plan.IsRead)
            _remarks.Add($"MariaDB does not read {plan.File} by itself: it reads {string.Join(", ", plan.Options.Files.DefaultIfEmpty("no file"))}. Include it there, or name another with --output; MariaDB is not restarted.");
        return check;
    }

    private void Show(IReadOnlyList<string> diff, TuningPlan plan, MachineResources machine)
    {
        if (_json)
            return;
        Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"{machine.MemoryBytes >> 20} MiB of memory ({machine.MemoryIsFrom}), {machine.Cores} cores"));
        foreach (var line in diff)
        {
            var colour = line[0] switch { _ when line.StartsWith("---", StringComparison.Ordinal) || line.StartsWith("+++", StringComparison.Ordinal) => Style.Plain, '+' => new Style(Color.Green), '-' => new Style(Color.Red), '@' => new Style(Color.Blue), _ => Style.Plain };
            if (Terminal.Interactive)
                Terminal.Out.Write(new Text(line + "\n", colour) { Overflow = Overflow.Fold });
            else
                Terminal.Line(line);
        }

        foreach (var user in plan.Overridden)
            Terminal.Line($"note: {user.Line} is overridden by {user.Setting.Name} = {user.Setting.Value}: {user.Setting.Why}");
        foreach (var user in plan.Conflicts)
            Terminal.Line($"CONFLICT: {user.Line} wins, because it is read later; WolfScale needs {user.Setting.Name} = {user.Setting.Value} ({user.Setting.Why}). Take that line out.");
    }

    private IEnumerable<string> Steps(TuningPlan plan, bool restarts, Handover? handover)
    {
        if (plan.Changes)
            yield return $"{plan.File} is written.";
        if (restarts)
            yield return $"{options.Unit.Name} is restarted by systemd{handover?.Describe()}.";
    }

    private async Task<RunningServer?> RestartAsync(NodeConfiguration? configuration, Handover? handover, CancellationToken cancellationToken)
    {
        if (handover is not null)
            await handover.GiveAsync(cancellationToken);
        await options.Unit.RestartAsync(cancellationToken);
        var server = configuration is null ? null : await RunningServer.AwaitAsync(LocalServer.Options(configuration), StartLimit, TimeProvider.System, cancellationToken);
        if (handover is not null)
            await handover.TakeBackAsync(cancellationToken);
        return server ?? (configuration is null ? null : throw new RefusedException($"MariaDB was restarted and does not answer within {StartLimit.TotalMinutes} minutes: `journalctl -u {options.Unit.Name}`."));
    }

    /// <summary>What a node sets anew with each of its roles: a server starts closed, and a leader's is open.</summary>
    private static readonly string[] OfTheRole = ["read_only", "rpl_semi_sync_master_enabled"];

    /// <summary>Variables with which the server runs otherwise than it would start.</summary>
    private static IEnumerable<ServerSetting> Differing(IEnumerable<ServerSetting> wanted, OptionCheck check, RunningServer running) => wanted.Where(s =>
        !OfTheRole.Contains(s.Name) && InForce(s, running) is { } now && !s.Accepts(now) && (check.Values.GetValueOrDefault(s.Name) is not { } then || !s.With(then).Accepts(now)));

    private static string? InForce(ServerSetting setting, RunningServer? running) => running?.Variables.GetValueOrDefault(setting.Name);

    private void Tell(TuningPlan plan, OptionCheck check, ImmutableArray<ServerSetting> wanted, Result result)
    {
        var settings = wanted.Select(s => new TunedSetting(
            s.Name, plan.Left.FirstOrDefault(l => l.Setting == s)?.Line.Value ?? (plan.Conflicts.FirstOrDefault(c => c.Setting == s)?.Line.Value ?? s.Value), s.Kind.ToString().ToLowerInvariant(),
            plan.Left.Concat(plan.Conflicts).Any(l => l.Setting == s) ? "user" : plan.Written.Contains(s) ? "wolfscale" : "default", InForce(s, result.Running), s.Why)).ToImmutableArray();
        foreach (var setting in wanted.Where(s => plan.Written.Contains(s) && check.Values.TryGetValue(s.Name, out var then) && !s.Accepts(then)))
            _remarks.Add($"MariaDB would make {setting.Name} = {check.Values[setting.Name]} of {setting.Value}.");
        if (result.NeedsRestart && !result.Restarted)
            _remarks.Add(plan.Conflicts.IsEmpty ? $"MariaDB must be restarted (`systemctl restart {options.Unit.Name}`; where this node leads, `wolfctl maintenance on` before and off after it)." : "MariaDB is not restarted while there are conflicts.");
        if (_json)
        {
            Terminal.Line(JsonSerializer.Serialize(
                new TuneDocument(
                    plan.File, result.Written, [.. result.Diff], result.Restarted, result.Running is null && !plan.Changes ? null : result.NeedsRestart, settings,
                    [.. plan.Conflicts.Select(Conflict)], [.. plan.Overridden.Select(Conflict)], [.. _remarks]),
                TuneJson.Readable.TuneDocument));
            return;
        }

        if (!plan.Changes)
            Terminal.Line($"{plan.File} is as it should be.");
        if (result.Running is { } running)
        {
            var table = Terminal.Table("SETTING", "STARTS WITH", "IN FORCE", "FROM");
            foreach (var setting in settings.Where(s => s.Source != "default" || !wanted.First(w => w.Name == s.Name).Accepts(s.InForce ?? s.Value)))
            {
                var same = setting.InForce is null || ServerSetting.Same(setting.InForce, setting.Value) || wanted.First(w => w.Name == setting.Name).Accepts(setting.InForce);
                _ = table.AddRow(setting.Name, setting.Value.EscapeMarkup(), same ? (setting.InForce ?? "-").EscapeMarkup() : $"[yellow]{setting.InForce.EscapeMarkup()}[/]", setting.Source);
            }

            Terminal.Out.Write(table);
        }

        foreach (var remark in _remarks)
            Terminal.Line(remark);
    }

    private static TuneConflict Conflict(UserSetting user) => new(user.Setting.Name, user.Line.File, user.Line.Line, user.Line.Value, user.Setting.Value, user.Setting.Why);

    private sealed record Result(IReadOnlyList<string> Diff, bool Written, bool Restarted, bool NeedsRestart, RunningServer? Running);
}
