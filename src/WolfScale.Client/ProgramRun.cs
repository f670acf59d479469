using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;

namespace WolfScale.Client;

/// <summary>From a command line to an exit code, alike for both programs.</summary>
public static class ProgramRun
{
    /// <summary>The version without the commit that the build appends.</summary>
    public static string Version { get; } =
        (typeof(ProgramRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];

    /// <summary>Parses and runs. Expected refusals become one line on standard error and their exit code.</summary>
    /// <param name="root">The program's verbs.</param>
    /// <param name="arguments">As the shell gave them.</param>
    /// <param name="onInterrupt">How long Ctrl+C waits for the command to end; null where the verbs handle signals themselves.</param>
    public static async Task<int> InvokeAsync(RootCommand root, string[] arguments, TimeSpan? onInterrupt = null)
    {
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        foreach (var alias in (string[])["/h", "/?"]) // of another system: completion would offer them, and a path may be called so
            _ = root.Options.OfType<HelpOption>().Single().Aliases.Remove(alias);
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Terminal.Error(error.Message);
            Console.Error.WriteLine($"Try '{Terminal.Program} --help'.");
            return ExitCode.Invalid;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = onInterrupt });
        }
        catch (RefusedException refused)
        {
            Terminal.Error(refused.Message);
            return refused.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Refused; // Ctrl+C; what was begun has been taken back where it was
        }
        catch (Exception unexpected)
        {
            Terminal.Error($"A fault in WolfScale itself; please report it with this:\n{unexpected}");
            return ExitCode.Refused;
        }
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Terminal.Line($"{Terminal.Program} {Version}");
            return ExitCode.Done;
        }
    }
}
