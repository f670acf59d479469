namespace WolfScale.Testing;

/// <summary>
/// A folder below the temporary folder, deleted at the end unless it is to be kept. Tests have no other way to one (<c>TemporaryFoldersTests</c>). Paths stay short, because a socket's path holds 107 bytes.
/// </summary>
internal sealed class TempFolder : IDisposable
{
    /// <param name="purpose">Stands in its name: a word.</param>
    public TempFolder(string purpose) => Path = Directory.CreateTempSubdirectory($"ws-{purpose}-").FullName;

    public string Path { get; }

    /// <summary>A file in it, which need not be there.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Set on failure, so that the logs can be read.</summary>
    public bool Keep
    {
        get => System.IO.File.Exists(KeepFile);
        set
        {
            if (value)
                System.IO.File.WriteAllText(KeepFile, "");
            else
                System.IO.File.Delete(KeepFile);
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
