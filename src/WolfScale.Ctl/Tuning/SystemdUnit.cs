using System.Diagnostics;
using System.Globalization;

namespace WolfScale.Ctl.Tuning;

/// <summary>A server as systemd runs it.</summary>
internal sealed class SystemdUnit(string name)
{
    public string Name { get; } = name;

    /// <summary>Whether the server runs as this unit.</summary>
    public async Task<bool> IsActiveAsync(CancellationToken cancellationToken) => (await TryRunAsync(cancellationToken, "is-active", Name)) is (0, _);

    /// <summary>The unit's own limit, in bytes; null where there is none.</summary>
    public async Task<long?> MemoryLimitAsync(CancellationToken cancellationToken) =>
        await TryRunAsync(cancellationToken, "show", Name, "--property=MemoryMax", "--value") is (0, var text) && long.TryParse(text.Trim(), CultureInfo.InvariantCulture, out var bytes) && bytes > 0 ? bytes : null;

    /// <exception cref="RefusedException">It does not come up; the message ends with what systemd says.</exception>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        var (exitCode, said) = await TryRunAsync(cancellationToken, "restart", Name) ?? (-1, "systemctl cannot be run");
        if (exitCode != 0)
            throw new RefusedException($"`systemctl restart {Name}` has failed: {said.Trim()} `journalctl -u {Name}` tells more.");
    }

    private static async Task<(int ExitCode, string Said)?> TryRunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo("systemctl") { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in arguments)
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output + await errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // no systemd here
        }
    }
}
