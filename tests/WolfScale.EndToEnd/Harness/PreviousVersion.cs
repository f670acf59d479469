namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// The programs of the version before this one, built from the history of the repository: from the newest tag before HEAD, or, where there is none, from
/// <see cref="FrozenPeer"/>. One build for a class of tests, in a temporary folder.
/// </summary>
public sealed class PreviousVersion : IDisposable
{
    /// <summary>Stands for the previous release until there is one: the last commit before docs/architecture.md said what may change from one version to the next.</summary>
    private const string FrozenPeer = "49cc946b4bc3adc5994cefc9d5c93b974610566e";

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(15);
    private TempFolder? _folder;
    private string? _program;

    /// <summary>The tag or commit.</summary>
    public string Revision { get; private set; } = "";

    /// <summary>Builds it, once. Skips the test, with the reason, where the history is not there.</summary>
    /// <returns>Its <c>wolfscale</c>.</returns>
    public async Task<string> ProgramAsync()
    {
        if (_program is not null)
            return _program;
        Revision = await FindAsync();
        _folder = new TempFolder("previous");
        var archive = Path.Combine(_folder.Path, "sources.tar");
        await SucceedAsync("git", ["-C", Repository.Root, "archive", "--output", archive, Revision], TimeSpan.FromMinutes(1));
        await SucceedAsync("tar", ["-x", "-f", archive, "-C", _folder.Path], TimeSpan.FromMinutes(1));
        await SucceedAsync("env",
            [
                "MSBUILDDISABLENODEREUSE=1", "DOTNET_CLI_USE_MSBUILD_SERVER=0", "dotnet", "build", Path.Combine(_folder.Path, "src", "WolfScale.Server"), "-c", "Release", "-v", "quiet", "-nodeReuse:false",
                "-p:UseSharedCompilation=false",
            ],
            BuildLimit);
        return _program = Path.Combine(_folder.Path, "artifacts", "bin", "WolfScale.Server", "release", "wolfscale.dll");
    }

    /// <summary>Whether the node's process runs this program.</summary>
    public bool Runs(int? pid) => Processes.Mentioning(_folder!.Path).Any(p => p.Pid == pid);

    public void Dispose() => _folder?.Dispose();

    /// <summary>HEAD itself may be tagged: then it is the one before that counts.</summary>
    private static async Task<string> FindAsync()
    {
        var tag = await GitAsync("describe", "--tags", "--abbrev=0", "HEAD^");
        if (tag.ExitCode == 0)
            return tag.Output.Trim();
        var pinned = await GitAsync("cat-file", "-e", FrozenPeer + "^{commit}");
        Assert.SkipUnless(pinned.ExitCode == 0, $"no tag before HEAD, and the history does not hold {FrozenPeer}, so there is no previous version to build: {pinned.Error.Trim()}");
        return FrozenPeer;
    }

    private static async Task<CommandResult> GitAsync(params string[] arguments)
    {
        try
        {
            return await Command.RunAsync("git", ["-C", Repository.Root, .. arguments], TimeSpan.FromMinutes(1));
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return new CommandResult(127, "", $"git: {e.Message}");
        }
    }

    private static async Task SucceedAsync(string program, IReadOnlyList<string> arguments, TimeSpan within)
    {
        var result = await Command.RunAsync(program, arguments, within);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result}");
    }
}
