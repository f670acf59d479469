using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Health;

/// <summary>
/// Looks at the file systems that the server must be able to write to, where they are seen from here. Not by writing: that a file system is full or read-only is a fact, and a
/// write that takes long on a busy one is none. Where they are not seen, and for what they do not show (a quota), the server's own threads say it when they wait for space.
/// </summary>
internal sealed class ServerDisks
{
    /// <summary>Where the server keeps what a commit needs. Its tmpdir is not among them: without it single statements fail.</summary>
    private static readonly string[] FolderVariables = ["datadir", "innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory"];

    private static readonly TimeSpan SpacePause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MountsPause = TimeSpan.FromSeconds(1);

    /// <summary>A frozen server is noticed after this.</summary>
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly bool _logs;
    private readonly string[] _folders;
    private IReadOnlyList<string> _mounts = [];
    private long _mountsAt;
    private long _spaceAt;

    public ServerDisks(ServerFacts facts, DatabaseOptions options, TimeProvider time)
    {
        _time = time;
        _logs = facts.LogBin;
        var data = facts.Variable("datadir");
        var isLocal = options.Socket.Length > 0 || options.Host is "localhost" or "127.0.0.1" or "::1";
        _folders = !isLocal || !Directory.Exists(data)
            ? []
            : [.. FolderVariables.Select(facts.Variable).Append(Path.GetDirectoryName(facts.Variable("log_bin_basename")) ?? "")
                .Where(f => f.Length > 0).Select(f => Resolve(Path.GetFullPath(f, data))).Distinct()];
    }

    /// <summary>The least free space of them all, in bytes; null where none is seen.</summary>
    public long? FreeBytes { get; private set; }

    /// <summary>Why the server cannot be trusted to write, one line; empty while it can, or where that is not seen.</summary>
    public string Refusal { get; private set; } = "";

    /// <summary>To be called often.</summary>
    public async Task LookAsync(AdminConnection server)
    {
        if (_spaceAt != 0 && _time.GetElapsedTime(_spaceAt) < SpacePause)
            return;
        _spaceAt = _time.GetTimestamp();
        if (_mountsAt == 0 || _time.GetElapsedTime(_mountsAt) >= MountsPause)
            (_mounts, _mountsAt) = (FolderSpace.ReadMounts(), _time.GetTimestamp());
        var spaces = _folders.Select(f => FolderSpace.Of(f, _mounts)).OfType<FolderSpace>().ToList();
        FreeBytes = spaces.Count == 0 ? null : spaces.Min(s => s.Bytes);
        // What is seen is not asked for: without room for its temporary tables the server answers with an error.
        Refusal = HealthRules.Refusal(spaces, wasFull: Refusal.Length > 0) is { Length: > 0 } seen ? seen : await AskAsync(server);
    }

    private async Task<string> AskAsync(AdminConnection server)
    {
        var waiting = await server.ScalarAsync($"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = '{ClientSession.WaitingForSpace}'", LookLimit);
        return waiting != "0" ? HealthRules.WaitsForSpace
            : _logs && !await BinaryLog.IsOnAsync(server, LookLimit) ? HealthRules.LoggingEnded
            : "";
    }

    private static string Resolve(string folder)
    {
        try
        {
            return (Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder).TrimEnd('/');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return folder.TrimEnd('/');
        }
    }
}
