using System.Net;
using System.Net.Sockets;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.Unit.Protocol;

/// <summary>ACKs over a real socket: which leave, when, and with which position.</summary>
public sealed class AckQueueTests : IDisposable
{
    private static readonly byte[] File1 = "binlog.000001"u8.ToArray();
    private static readonly byte[] File2 = "binlog.000002"u8.ToArray();
    private readonly Socket _server;
    private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _term = new();
    private readonly AckQueue _acks;

    public AckQueueTests()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        _client.Connect(listener.LocalEndPoint!);
        _server = listener.Accept();
        _acks = new AckQueue(_client, TimeProvider.System, new CaptureCounters(new CommitStages()), _term.Token);
    }

    [Fact]
    public void One_ack_for_the_last_of_all_that_the_commit_covers()
    {
        Add(10, 100);
        Add(11, 200);
        Add(12, 300);
        Nothing();
        _acks.Release(11);
        Ack(200, "binlog.000001");
        _acks.Release(11);
        Nothing();
        _acks.Release(50);
        Ack(300, "binlog.000001");
    }

    [Fact]
    public void A_commit_that_was_known_before_the_event_came_is_acked_at_once()
    {
        _acks.Release(20);
        Add(20, 100);
        Ack(100, "binlog.000001");
        Add(21, 200);
        Nothing();
    }

    [Fact]
    public void An_ack_names_the_file_the_commit_stands_in()
    {
        Add(10, 100);
        _acks.Add(11, 11, 50, File2, 0);
        _acks.Release(10);
        Ack(100, "binlog.000001");
        _acks.Release(11);
        Ack(50, "binlog.000002");
    }

    [Fact]
    public void After_the_end_of_the_term_or_of_the_connection_nothing_leaves()
    {
        Add(10, 100);
        _term.Cancel();
        _acks.Release(10);
        Nothing();
    }

    [Fact]
    public void A_closed_queue_sends_nothing()
    {
        Add(10, 100);
        _acks.Close();
        _acks.Release(10);
        Add(11, 200);
        Nothing();
    }

    [Fact]
    public void Positions_that_turn_out_to_be_4_gib_too_low_are_corrected_and_the_last_ack_is_repeated()
    {
        Add(10, 100);
        _acks.Release(10);
        Ack(100, "binlog.000001");
        Add(11, 200);
        _acks.Correct(File1, 1L << 32);
        Ack(100 + (1L << 32), "binlog.000001");
        _acks.Release(11);
        Ack(200 + (1L << 32), "binlog.000001");
    }

    [Fact]
    public void A_full_queue_merges_neighbours_and_never_acks_too_early()
    {
        for (var i = 1; i <= AckQueue.Capacity + 100; i++)
            Add(i, i * 10);
        Assert.Equal(AckQueue.Capacity, _acks.Count);
        _acks.Release(AckQueue.Capacity + 50);
        Ack((AckQueue.Capacity - 1) * 10, "binlog.000001"); // the merged ones wait for the last of them
        _acks.Release(AckQueue.Capacity + 100);
        Ack((AckQueue.Capacity + 100) * 10, "binlog.000001");
    }

    /// <summary>The committing thread must not wait for a server that does not read; the newest position leaves when it reads again.</summary>
    [Fact]
    public async Task A_server_that_does_not_read_is_not_waited_for()
    {
        _client.SendBufferSize = 4096;
        long last = 0;
        for (var lsn = 1; lsn <= 200_000; lsn++)
        {
            Add(lsn, last = lsn);
            _acks.Release(lsn);
        }

        var buffer = new byte[1 << 20];
        var parsed = 0L;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var length = 0;
        while (parsed < last)
        {
            length += await _server.ReceiveAsync(buffer.AsMemory(length), deadline.Token);
            var at = 0;
            for (; length - at >= 26; at += 26)
                parsed = SemiSyncAck.Read(buffer.AsSpan(at + PacketHeader.Size, 22)).Position;
            buffer.AsSpan(at, length - at).CopyTo(buffer);
            length -= at;
            _acks.Retry();
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        _term.Dispose();
    }

    private void Add(long lsn, long offset) => _acks.Add(lsn, (ulong)lsn, offset, File1, 0);

    private void Nothing() => Assert.Equal(0, _server.Available);

    private void Ack(long position, string file)
    {
        var packet = new byte[PacketHeader.Size + 1 + 8 + file.Length];
        _server.ReceiveTimeout = 10_000;
        for (var at = 0; at < packet.Length;)
            at += _server.Receive(packet.AsSpan(at));
        Assert.Equal(new PacketHeader(9 + file.Length, 0), PacketHeader.Read(packet));
        Assert.Equal((position, file), SemiSyncAck.Read(packet.AsSpan(PacketHeader.Size)));
        Nothing();
    }
}
