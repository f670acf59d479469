using System.Net.Sockets;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// A connection's bytes as they come, whose time-out is given a quarter of it more. The kernel's clock goes on while a machine stands still (a virtual one that is suspended), and so nobody may have been silent who
/// is thought so: what he sends at once when all go on is still heard.
/// </summary>
internal sealed class PatientStream(Socket socket) : NetworkStream(socket, ownsSocket: false)
{
    private const int Parts = 4;

    public static bool IsTimeOut(IOException fault) => fault is { InnerException: SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } };

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Receive(buffer);
        }
        catch (IOException e) when (IsTimeOut(e))
        {
            var limit = Socket.ReceiveTimeout;
            Socket.ReceiveTimeout = Math.Max(1, limit / Parts);
            try
            {
                return Receive(buffer);
            }
            finally
            {
                Socket.ReceiveTimeout = limit;
            }
        }
    }

    /// <summary>The base class leaves spans to the arrays' method where it is derived from.</summary>
    private int Receive(Span<byte> buffer)
    {
        try
        {
            return Socket.Receive(buffer);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
