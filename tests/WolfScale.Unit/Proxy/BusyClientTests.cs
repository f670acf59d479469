using System.Net.Sockets;
using WolfScale.Protocol;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>One client asks for more than anybody can do: the others of its event loop do not notice.</summary>
public sealed class BusyClientTests : IDisposable
{
    private readonly ProxyKit _kit = new();

    /// <summary>COM_STMT_CLOSE of what does not exist has no answer; the other is the proxy's own to answer.</summary>
    [Theory]
    [InlineData(0x19, "\x01\0\0\0")]
    [InlineData(0x03, "SELECT @wolfscale_consistency")]
    public async Task Who_never_stops_asking_keeps_nobody_waiting(byte code, string text)
    {
        var (busy, _) = _kit.LogIn();
        var (client, server) = _kit.LogIn();
        byte[] many = [.. Enumerable.Repeat(Command(code, text), 5000).SelectMany(command => command)];
        using var stop = new CancellationTokenSource();
        var (asking, hearing) = (Loop(() => busy.Send(many)), Loop(() => busy.Socket.Receive(new byte[1 << 20])));
        try
        {
            for (var i = 0; i < 20; i++)
            {
                client.Send(Query("DO 1"));
                Assert.Equal("\x03" + "DO 1", server.ReadText());
                server.Send(Packet(1, Ok()));
                Assert.Equal(0, client.Read()[0]);
            }
        }
        finally
        {
            await stop.CancelAsync();
            busy.Dispose();
            await Task.WhenAll(asking, hearing);
        }

        Task Loop(Action action) => Task.Factory.StartNew(
            () =>
            {
                try
                {
                    while (!stop.IsCancellationRequested)
                        action();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // It is disposed of.
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    [Fact]
    public void Every_command_of_one_buffer_is_answered_in_order()
    {
        var (client, server) = _kit.LogIn();
        string[] asked = [.. Enumerable.Range(0, 500).Select(i => i % 7 == 0 ? $"DO {i}" : $"SELECT @wolfscale_consistency AS a{i}")];
        client.Send([.. asked.SelectMany(Query)]);
        foreach (var sql in asked)
        {
            if (sql.StartsWith("DO", StringComparison.Ordinal))
            {
                Assert.Equal("\x03" + sql, server.ReadText());
                server.Send(Packet(1, Ok()));
                Assert.Equal(0, client.Read()[0]);
                continue;
            }

            Assert.Equal([1], client.Read());
            Assert.Contains(sql[(sql.IndexOf("AS ", StringComparison.Ordinal) + 3)..], client.ReadText(), StringComparison.Ordinal);
            for (var i = 0; i < 3; i++)
                _ = client.Read(); // EOF, row, EOF
        }
    }

    /// <summary>Else its answers would be kept in memory, as many as it can ask for.</summary>
    [Fact]
    public void Who_does_not_read_his_answers_is_not_read_from()
    {
        const int Most = 64 << 20;
        var (client, _) = _kit.LogIn();
        var question = Query("SELECT @wolfscale_consistency");
        client.Send(question);
        var answer = Enumerable.Range(0, 5).Sum(_ => PacketHeader.Size + client.Read().Length);
        byte[] many = [.. Enumerable.Repeat(question, 1000).SelectMany(command => command)];
        var sent = 0;
        client.Socket.Blocking = false;
        while (sent < Most && client.Socket.Poll(TimeSpan.FromSeconds(1), SelectMode.SelectWrite))
            sent += client.Socket.Send(many.AsSpan(sent % many.Length)); // what was begun goes on
        client.Socket.Blocking = true;
        Assert.InRange(sent, many.Length, Most - 1);

        _ = client.ReadExactly(sent / question.Length * answer); // and then he has them all
    }

    public void Dispose() => _kit.Dispose();
}
