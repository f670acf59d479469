using System.CommandLine;
using WolfScale.Server.Cli;

var root = CommandTree.Create();
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        Terminal.Error(error.Message);
    Console.Error.WriteLine("Try 'wolfscale --help'.");
    return ExitCode.Invalid;
}

try
{
    // Signals belong to the commands: `start` hands over before it ends, `demo` takes its servers down.
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
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
