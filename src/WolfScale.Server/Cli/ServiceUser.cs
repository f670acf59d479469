namespace WolfScale.Server.Cli;

/// <summary>Whose service a node on this machine is.</summary>
internal static class ServiceUser
{
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

    internal static string? UserOf(IEnumerable<string> unit) =>
        unit.Select(line => line.Trim()).LastOrDefault(line => line.StartsWith("User=", StringComparison.Ordinal))?["User=".Length..].Trim();
}
