using System.Net;
using System.Net.Sockets;
using WolfScale.Cluster.Transport;

namespace WolfScale.Unit.Cluster;

/// <summary>What is read of a peer's connection, and when it is given up.</summary>
public sealed class PatientStreamTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Socket _there = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _here;

    public PatientStreamTests()
    {
        _listener.Start();
        _there.Connect(_listener.LocalEndpoint);
        _here = _listener.AcceptSocket();
    }

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public void Bytes_come_as_they_were_sent_and_the_end_is_the_end()
    {
        using var stream = new PatientStream(_here);
        _ = _there.Send("abc"u8);
        var buffer = new byte[2];
        Assert.Equal((2, "ab"), (stream.Read(buffer), System.Text.Encoding.ASCII.GetString(buffer)));
        Assert.Equal((1, (byte)'c'), (stream.Read(buffer, 1, 1), buffer[1]));
        _there.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, stream.Read(buffer.AsSpan()));
    }

    [Fact]
    public void Silence_is_a_time_out_and_the_next_one_takes_as_long()
    {
        using var stream = new PatientStream(_here);
        _here.ReceiveTimeout = 40;
        for (var i = 0; i < 2; i++)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var fault = Assert.Throws<IOException>(() => stream.ReadByte());
            Assert.True(PatientStream.IsTimeOut(fault));
            Assert.True(clock.ElapsedMilliseconds >= 45, $"given up after {clock.ElapsedMilliseconds} ms"); // 40 and 10 more
            Assert.Equal(40, _here.ReceiveTimeout);
        }
    }

    [Fact]
    public void A_connection_that_is_reset_is_no_time_out()
    {
        using var stream = new PatientStream(_here);
        _there.LingerState = new LingerOption(true, 0);
        _there.Close();
        Assert.False(PatientStream.IsTimeOut(Assert.Throws<IOException>(() => stream.ReadByte())));
    }
}
