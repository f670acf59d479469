using System.Globalization;
using WolfScale.Testing;

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

/// <summary>
/// A folder below the temporary folder, deleted at the end unless it is to be kept. Paths stay short, because a socket's path holds 107 bytes.
/// </summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder(string purpose)
    {
        Path = Directory.CreateTempSubdirectory(string.Create(CultureInfo.InvariantCulture, $"ws-{purpose}-")).FullName;
    }

    public string Path { get; }

    /// <summary>Set on failure, so that the logs can be read.</summary>
    public bool Keep
    {
        get => File.Exists(KeepFile);
        set
        {
            if (value)
                File.WriteAllText(KeepFile, "");
            else
                File.Delete(KeepFile);
        }
    }

    /// <summary>What the end of the run respects as well.</summary>
    private string KeepFile => System.IO.Path.Combine(Path, TestRun.KeepMark);

    public void Dispose()
    {
        if (!Keep && Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
