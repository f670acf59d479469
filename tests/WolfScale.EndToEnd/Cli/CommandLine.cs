using System.Diagnostics;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>How a command ended.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Errors)
{
    /// <summary>The one line on standard error.</summary>
    public string ErrorLine => Assert.Single(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>Runs the program under test as a shell would: its own process, piped output.</summary>
internal static class CommandLine
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static Task<Outcome> RunAsync(params string[] arguments) => RunAsync(null, arguments);

    /// <summary>Runs with variables added to the environment.</summary>
    public static Task<Outcome> RunAsync(IReadOnlyDictionary<string, string>? variables, params string[] arguments) =>
        RunAsync(Repository.WolfScale, variables, arguments);

    /// <summary>Runs <c>wolfctl</c>.</summary>
    public static Task<Outcome> CtlAsync(params string[] arguments) => RunAsync(Repository.WolfCtl, null, arguments);

    /// <summary>Runs <c>wolfctl</c> with variables added to the environment.</summary>
    public static Task<Outcome> CtlAsync(IReadOnlyDictionary<string, string> variables, params string[] arguments) => RunAsync(Repository.WolfCtl, variables, arguments);

    /// <summary>Starts it and leaves it running; the caller ends it.</summary>
    public static Process Start(IReadOnlyDictionary<string, string>? variables, params string[] arguments) => Start(Repository.WolfScale, variables, arguments);

    /// <summary>Starts <c>wolfctl</c> and leaves it running; the caller ends it.</summary>
    public static Process StartCtl(params string[] arguments) => Start(Repository.WolfCtl, null, arguments);

    private static async Task<Outcome> RunAsync(string program, IReadOnlyDictionary<string, string>? variables, string[] arguments)
    {
        using var process = Start(program, variables, arguments);
        using var limit = new CancellationTokenSource(Limit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new Outcome(process.ExitCode, await output, await errors);
    }

    private static Process Start(string program, IReadOnlyDictionary<string, string>? variables, string[] arguments)
    {
        var start = new ProcessStartInfo(program.EndsWith(".dll", StringComparison.Ordinal) ? "dotnet" : program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var argument in program.EndsWith(".dll", StringComparison.Ordinal) ? [program, .. arguments] : arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }
}
