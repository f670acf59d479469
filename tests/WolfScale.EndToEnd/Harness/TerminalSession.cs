using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace WolfScale.EndToEnd.Harness;

/// <summary>A program on a terminal: <c>script</c> gives it one of its own, whose screen is read and whose keys are pressed here.</summary>
internal sealed partial class TerminalSession : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _screen = new();
    private readonly Task _reading;
    private int _seen;

    private TerminalSession(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>All that was shown so far, without what moves the cursor and colours the text.</summary>
    public string Screen
    {
        get
        {
            lock (_screen)
                return Controls().Replace(_screen.ToString(), "").Replace("\r", "", StringComparison.Ordinal);
        }
    }

    /// <summary>All that was sent to the screen so far.</summary>
    public string Sent
    {
        get
        {
            lock (_screen)
                return _screen.ToString();
        }
    }

    /// <param name="program">As in <see cref="Repository"/>.</param>
    /// <param name="arguments">Without anything that a shell would understand.</param>
    public static TerminalSession Start(string program, params string[] arguments) => Start(null, program, arguments);

    /// <summary>With a variable added to the environment.</summary>
    public static TerminalSession Start((string Name, string Value)? variable, string program, params string[] arguments)
    {
        var command = string.Join(' ', (program.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", program] : (string[])[program]).Concat(arguments).Select(a => $"'{a}'"));
        // In the shell's place: some shells would end by Ctrl+C themselves, with an exit code of their own.
        var start = new ProcessStartInfo("script", ["--quiet", "--return", "--flush", "--command", $"exec {command}", "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TERM"] = "xterm";
        start.Environment["COLUMNS"] = "160";
        if (variable is { } more)
            start.Environment[more.Name] = more.Value;
        return new TerminalSession(Process.Start(start)!);
    }

    /// <summary>Waits until a text is shown behind what was waited for before, and then types an answer and the Enter key.</summary>
    public async Task AnswerAsync(string shown, string answer)
    {
        await SeeAsync(shown);
        await TypeAsync(answer + "\r");
    }

    /// <summary>Presses keys.</summary>
    public async Task TypeAsync(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until a text is shown behind what was waited for before.</summary>
    public Task SeeAsync(string shown) => Poll.UntilAsync($"\"{shown}\" on the terminal", Limit, () =>
    {
        var screen = Screen;
        var at = screen.IndexOf(shown, _seen, StringComparison.Ordinal);
        if (at < 0)
            return Task.FromResult<string?>($"it shows:\n{screen}");
        _seen = at + shown.Length;
        return Task.FromResult<string?>(null);
    });

    /// <returns>The program's exit code.</returns>
    public async Task<int> AwaitEndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Limit);
        await _reading.WaitAsync(Limit);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer) is > 0 and var count)
        {
            lock (_screen)
                _screen.Append(buffer, 0, count);
        }
    }

    [GeneratedRegex(@"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>()][A-B0]?)")]
    private static partial Regex Controls();
}
