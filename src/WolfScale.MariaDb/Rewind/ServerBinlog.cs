using System.Security.Cryptography;
using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// The local server's binlog through a plain dump connection (never semi-sync: this one must not release commits), which ends at the binlog's end.
/// </summary>
internal sealed class ServerBinlog : IBinlogSource
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private readonly ServerEndpoint _server;

    private ServerBinlog(ServerEndpoint server, IReadOnlyList<string> files)
    {
        _server = server;
        Files = files;
    }

    public IReadOnlyList<string> Files { get; }

    public static async Task<ServerBinlog> OpenAsync(AdminConnection server, DatabaseOptions options) =>
        new(Endpoint(options), [.. (await server.QueryAsync("SHOW BINARY LOGS")).Select(r => r["Log_name"])]);

    /// <summary>For reading by GTID: the list of files waits behind blocked commits (measured).</summary>
    public static ServerBinlog WithoutFiles(DatabaseOptions options) => new(Endpoint(options), []);

    public void Read(string file, IBinlogSink sink, CancellationToken cancellationToken) => Dump(file, null, sink, cancellationToken);

    public bool TryReadAfter(GtidPosition position, IBinlogSink sink, CancellationToken cancellationToken)
    {
        try
        {
            Dump("", position, sink, cancellationToken);
            return true;
        }
        catch (ServerErrorException e) when (e.Error.Code == ServerErrors.BinlogPositionRefused)
        {
            return false;
        }
    }

    private static ServerEndpoint Endpoint(DatabaseOptions options) =>
        new() { Host = options.Host, Port = options.Port, Socket = options.Socket, User = options.User, Password = options.Password };

    private void Dump(string file, GtidPosition? after, IBinlogSink sink, CancellationToken cancellationToken)
    {
        using var connection = new ReplicationConnection();
        using var stop = cancellationToken.Register(connection.Abort);
        connection.Open(_server, Silence);

        // Capability 4: GTID events as such, and not as QUERY events.
        connection.Execute("SET @master_binlog_checksum=@@GLOBAL.binlog_checksum, @mariadb_slave_capability=4");
        if (after is not null)
            connection.Execute($"SET @slave_connect_state='{after}'");
        var id = 0xE000_0000u + (uint)RandomNumberGenerator.GetInt32(0x1FFF_FFFF); // fresh, for the reason that capture's is
        connection.StartDump(new BinlogDumpCommand(4, BinlogDumpFlags.NonBlocking | BinlogDumpFlags.SendAnnotateRows, id, file));
        var reader = new BinlogReader(connection, semiSync: false, sink);
        try
        {
            while (!sink.IsDone && reader.ReadEvent())
                cancellationToken.ThrowIfCancellationRequested();
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The binlog is no longer wanted.", e, cancellationToken);
        }
    }
}
