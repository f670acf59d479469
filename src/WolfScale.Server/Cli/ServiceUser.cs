using System.Diagnostics;

namespace WolfScale.Server.Cli;

/// <summary>Whose service a node on this machine is.</summary>
internal static class ServiceUser
{
    /// <summary>The account that the package and install_service.sh create.</summary>
    public const string Name = "wolfscale";

    private static readonly string[] Units = ["/etc/systemd/system/wolfscale.service", "/lib/systemd/system/wolfscale.service", "/usr/lib/systemd/system/wolfscale.service"];

    /// <exception cref="RefusedException">This is root, and the service runs as somebody else, who could not open the files that root leaves behind.</exception>
    public static void RefuseRootBesideService()
    {
        if (Environment.UserName != "root")
            return;
        var unit = Units.FirstOrDefault(File.Exists);
        var user = unit is null ? null : UserOf(File.ReadLines(unit));
        if (user is not null and not "root")
            throw new RefusedException($"{unit} runs WolfScale as {user}, and files that root creates here could not be opened by it. Run: sudo -u {user} wolfscale join …");
    }

    /// <summary>Where root has written the service's configuration (a file in its folder): the service may read it, and nobody else.</summary>
    /// <returns>False where it is none, or there is no such account.</returns>
    public static bool TryShare(string path)
    {
        if (OperatingSystem.IsWindows() || Environment.UserName != "root" || Path.GetDirectoryName(Path.GetFullPath(path)) != Path.GetDirectoryName(GlobalOptions.DefaultConfigPath))
            return false;
        using var change = Process.Start(new ProcessStartInfo("chgrp", [Name, path]) { RedirectStandardError = true })!;
        _ = change.StandardError.ReadToEnd(); // no such group
        change.WaitForExit();
        if (change.ExitCode != 0)
            return false;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        return true;
    }

    internal static string? UserOf(IEnumerable<string> unit) =>
        unit.Select(line => line.Trim()).LastOrDefault(line => line.StartsWith("User=", StringComparison.Ordinal))?["User=".Length..].Trim();
}
