using System.Globalization;
using WolfScale.EndToEnd.Harness;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Native;

/// <summary>An asynchronous replica of the leader by MariaDB's own means, with the same settings as a follower's server.</summary>
internal sealed class NativeReplica(TempFolder folder, PrivateServer server) : IAsyncDisposable
{
    public SqlServer Server => NativePair.Describe("native replica", server);

    /// <summary>Starts from a dump of the leader, as an administrator would.</summary>
    public static async Task<NativeReplica> AttachAsync(SqlServer leader, string leaderId)
    {
        var folder = new TempFolder("native");
        var server = new PrivateServer(Path.Combine(folder.Path, "r"), Ports.FreeRange(10), 1000 + uint.Parse(leaderId, CultureInfo.InvariantCulture));
        var replica = new NativeReplica(folder, server);
        await server.CreateAsync(NativePair.Unmanaged);
        await server.StartAsync();
        var file = Path.Combine(folder.Path, "dump.sql");
        var dump = await Command.RunAsync("mariadb-dump", ["--no-defaults", $"--socket={leader.Socket}", "--user=root", "--all-databases", "--master-data=1", "--gtid", "--single-transaction", "--routines", "--events", $"--result-file={file}"], TimeSpan.FromMinutes(5));
        Assert.True(dump.ExitCode == 0, $"mariadb-dump: {dump}");
        var load = await Command.RunAsync("sh", ["-c", $"mariadb --no-defaults --socket={server.Socket} --user=root --init-command='SET sql_log_bin=0' < {file}"], TimeSpan.FromMinutes(5));
        Assert.True(load.ExitCode == 0, $"loading the dump: {load}");
        await NativePair.AttachAsync(replica.Server, leader);
        return replica;
    }

    public Task<TimeSpan> AwaitAsync(string target, TimeSpan within) => Poll.UntilAsync($"the native replica at {target}", within, async () =>
        await Server.ScalarAsync("SELECT @@gtid_slave_pos") is var position && position == target ? null : position, TimeSpan.FromMilliseconds(100));

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        folder.Dispose();
    }
}
