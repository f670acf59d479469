using System.CommandLine;
using System.Globalization;
using WolfScale.Ctl.Tuning;
using WolfScale.MariaDb;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl tune-mariadb</c>: MariaDB's option file, as WolfScale needs it and as this machine bears it.</summary>
internal static class TuneCommand
{
    public const string DefaultFile = "/etc/mysql/mariadb.conf.d/99-wolfscale.cnf";

    public static Command Create()
    {
        var dryRun = CtlOptions.DryRun();
        var output = new Option<string>("--output") { Description = "The option file to write", HelpName = "FILE", DefaultValueFactory = _ => DefaultFile };
        var noRestart = new Option<bool>("--no-restart") { Description = "Write the file, and leave MariaDB running as it is" };
        var memory = Memory();
        var defaults = new Option<string?>("--defaults-file") { Description = "The option file that MariaDB is told, where it does not read the usual ones", HelpName = "FILE" };
        var unit = new Option<string>("--unit") { Description = "MariaDB's systemd unit", HelpName = "NAME", DefaultValueFactory = _ => "mariadb" };
        var command = new Command("tune-mariadb", "Writes the MariaDB settings that WolfScale needs, and those that make it fast on this machine; restarts MariaDB when you agree")
        {
            dryRun, output, noRestart, memory, defaults, unit,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new TuneOptions(
                parsed.GetValue(output)!, parsed.GetValue(defaults), parsed.GetValue(memory), parsed.GetValue(dryRun), parsed.GetValue(noRestart), new SystemdUnit(parsed.GetValue(unit)!));
            try
            {
                return await new TuneRun(parsed, options).RunAsync(cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DatabaseException)
            {
                throw new RefusedException($"{options.File}: {e.Message.TrimEnd('.')}. MariaDB's options are as they were.");
            }
        });
        return command;
    }

    private static Option<long?> Memory() => new("--memory")
    {
        Description = "What MariaDB may count on where this machine runs other things as well, for example 6G; default: the machine's memory, or its container's or unit's limit",
        HelpName = "SIZE",
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value.ToUpperInvariant().TrimEnd('B').TrimEnd('I');
            var shift = text.Length == 0 ? 0 : text[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
            if (double.TryParse(shift > 0 ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * Math.Pow(2, shift) is >= 128 << 20 and <= 1L << 50 and var bytes)
                return (long)bytes;
            result.AddError($"--memory takes a size from 128M on, like 6G, and not \"{result.Tokens[^1].Value}\"");
            return null;
        },
    };
}

/// <summary>What was asked for.</summary>
/// <param name="File">Where WolfScale's settings go.</param>
/// <param name="DefaultsFile">What MariaDB is told; null: the usual.</param>
/// <param name="MemoryBytes">Null: to be found out.</param>
/// <param name="DryRun">Show only.</param>
/// <param name="NoRestart">Write, and leave the server alone.</param>
/// <param name="Unit">How the server runs.</param>
internal sealed record TuneOptions(string File, string? DefaultsFile, long? MemoryBytes, bool DryRun, bool NoRestart, SystemdUnit Unit);
