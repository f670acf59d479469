namespace WolfScale.EndToEnd.Harness;

/// <summary>Where the checkout and its build output are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The program under test: <c>WOLFSCALE_BIN</c>, or the newer of the debug and release builds. A <c>.dll</c> is run through <c>dotnet</c>.
    /// </summary>
    public static string WolfScale { get; } = FindProgram("WolfScale.Server", "wolfscale", "WOLFSCALE_BIN");

    /// <summary>The operator's tool: <c>WOLFCTL_BIN</c>, or the newer of its builds.</summary>
    public static string WolfCtl { get; } = FindProgram("WolfScale.Ctl", "wolfctl", "WOLFCTL_BIN");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "WolfScale.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No WolfScale.slnx above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }

    private static string FindProgram(string project, string name, string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
            return named;
        var builds = new[] { "debug", "release" }
            .Select(c => new FileInfo(Path.Combine(Root, "artifacts", "bin", project, c, name + ".dll")))
            .Where(f => f.Exists)
            .OrderByDescending(f => f.LastWriteTimeUtc)
            .ToList();
        return builds.Count > 0
            ? builds[0].FullName
            : throw new InvalidOperationException($"{name} is not built. Run: dotnet build src/{project} (or set {variable}).");
    }
}
