using System.Diagnostics;
using System.Globalization;

namespace WolfScale.Conformance.Harness;

/// <summary>Runs a client's program to its end.</summary>
internal static class ClientRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <returns>What it printed. A program that failed says so in its last lines, so a failure is a difference.</returns>
    public static async Task<string> OutputAsync(ClientProgram program, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program.File) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in program.Arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in program.Environment.Select(v => (v.Name, v.Value)).Concat(environment.Select(v => (v.Key, v.Value))))
            start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program.File} could not be started.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            var (said, complained) = (await output, await error);
            return string.Create(CultureInfo.InvariantCulture, $"{said}\n{complained}\nkilled: it had not ended after {Limit.TotalSeconds} s\n");
        }

        var text = await output + await error;
        return process.ExitCode == 0 ? text : string.Create(CultureInfo.InvariantCulture, $"{text}\nexit code {process.ExitCode}\n");
    }
}
