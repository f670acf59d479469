using System.Net.Security;
using System.Net.Sockets;

namespace WolfScale.Proxy.Net;

/// <summary>
/// TLS outside of the loop: the loop sees one end of a pair of sockets, with the plain text.
/// <code>
///   client, or another node's proxy ═══TLS═══ SslStream ── pair ── event loop
/// </code>
/// A copy and two wake-ups more than without TLS; sessions without it do not pay for it.
/// </summary>
internal static class TlsPump
{
    private const int BufferBytes = 32 << 10;
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Takes a client's socket over.</summary>
    /// <param name="socket">Non-blocking; belongs to the pump from here on.</param>
    /// <param name="received">What came from the client already: the beginning of its handshake.</param>
    /// <param name="certificate">The proxy's.</param>
    /// <param name="failed">Called, on any thread, with what went wrong in the handshake.</param>
    /// <returns>The loop's end of the pair. It ends when the other side does, or when TLS fails.</returns>
    public static int Serve(int socket, byte[] received, SslStreamCertificateContext certificate, Action<string> failed) =>
        Start(socket, received, (tls, limit) => tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = certificate }, limit), failed);

    /// <summary>Takes the socket of a connection to another node's proxy over.</summary>
    public static int Connect(int socket, SslClientAuthenticationOptions options, Action<string> failed) =>
        Start(socket, [], (tls, limit) => tls.AuthenticateAsClientAsync(options, limit), failed);

    private static int Start(int socket, byte[] received, Func<SslStream, CancellationToken, Task> authenticate, Action<string> failed)
    {
        var (loopEnd, pumpEnd) = Libc.CreatePair();
        _ = PumpAsync(socket, pumpEnd, received, authenticate, failed);
        return loopEnd;
    }

    private static async Task PumpAsync(int socket, int pumpEnd, byte[] received, Func<SslStream, CancellationToken, Task> authenticate, Action<string> failed)
    {
        await Task.Yield(); // the loop does not wait for any of it
        using var outer = new Socket(new SafeSocketHandle(socket, ownsHandle: true));
        using var inner = new Socket(new SafeSocketHandle(pumpEnd, ownsHandle: true));
        await using var tls = new SslStream(new PrefixedStream(received, new NetworkStream(outer)));
        try
        {
            using var limit = new CancellationTokenSource(HandshakeLimit);
            await authenticate(tls, limit.Token);
        }
        catch (Exception e)
        {
            failed(e.Message);
            return;
        }

        await using var plain = new NetworkStream(inner);
        _ = await Task.WhenAny(CopyAsync(tls, plain), CopyAsync(plain, tls)); // one side's end is the other's
    }

    private static async Task CopyAsync(Stream from, Stream to)
    {
        try
        {
            await from.CopyToAsync(to, BufferBytes);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // The other side of the pair ends, and its owner notices.
        }
    }
}
