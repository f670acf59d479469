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
    public static string WolfScale { get; } = FindProgram();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "WolfScale.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No WolfScale.slnx above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }

    private static string FindProgram()
    {
        if (Environment.GetEnvironmentVariable("WOLFSCALE_BIN") is { Length: > 0 } named)
            return named;
        var builds = new[] { "debug", "release" }
            .Select(c => new FileInfo(Path.Combine(Root, "artifacts", "bin", "WolfScale.Server", c, "wolfscale.dll")))
            .Where(f => f.Exists)
            .OrderByDescending(f => f.LastWriteTimeUtc)
            .ToList();
        return builds.Count > 0
            ? builds[0].FullName
            : throw new InvalidOperationException("wolfscale is not built. Run: dotnet build src/WolfScale.Server (or set WOLFSCALE_BIN).");
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
