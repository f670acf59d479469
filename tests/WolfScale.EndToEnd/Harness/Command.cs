using System.Diagnostics;
using System.Globalization;

namespace WolfScale.EndToEnd.Harness;

/// <summary>What a program printed, and its exit code.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"exit code {ExitCode}\n{Output}\n{Error}").TrimEnd();
}

/// <summary>Runs programs to their end, and the program under test in particular.</summary>
internal static class Command
{
    /// <summary>Runs <c>wolfscale</c> with these arguments.</summary>
    public static Task<CommandResult> WolfScaleAsync(TimeSpan within, params string[] arguments) => WolfScaleAsync(Repository.WolfScale, within, arguments);

    /// <summary>Runs some version's <c>wolfscale</c>.</summary>
    public static Task<CommandResult> WolfScaleAsync(string program, TimeSpan within, params string[] arguments)
    {
        var (file, prefix) = Executable(program);
        return RunAsync(file, [.. prefix, .. arguments], within);
    }

    /// <summary>The file to execute, and what comes before the arguments.</summary>
    public static (string File, string[] Prefix) WolfScaleProgram() => Executable(Repository.WolfScale);

    private static (string File, string[] Prefix) Executable(string program) =>
        program.EndsWith(".dll", StringComparison.Ordinal) ? ("dotnet", [program]) : (program, []);

    /// <exception cref="TimeoutException">It had not ended in time; it has been killed.</exception>
    public static async Task<CommandResult> RunAsync(string file, IReadOnlyList<string> arguments, TimeSpan within)
    {
        var start = new ProcessStartInfo(file) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} could not be started.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(within);
            // A detached child may keep the pipes open: what the program itself said has arrived by now.
            return new CommandResult(process.ExitCode, await output.WaitAsync(TimeSpan.FromSeconds(10)), await error.WaitAsync(TimeSpan.FromSeconds(10)));
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} {string.Join(' ', arguments)} had not ended after {within}.");
        }
    }
}
