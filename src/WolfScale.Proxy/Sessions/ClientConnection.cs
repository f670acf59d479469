using System.Net.Security;
using WolfScale.Proxy.Net;

namespace WolfScale.Proxy.Sessions;

/// <summary>The client's side of a session.</summary>
internal sealed class ClientConnection(EventLoop loop, int descriptor, ClientSession session) : Connection(loop, descriptor)
{
    private HeldBytes _held;

    public override bool HasInput => _held.Length > 0 || IsReadable;

    public override void OnReadable()
    {
        if (HasEnded && session.Phase == SessionPhase.Connecting)
        {
            session.OnClientGone(); // nobody waits for the greeting any more, and others wait for the place
            return;
        }

        var turns = 0;
        while (!IsClosed && session.MayReceive)
        {
            if (turns >= TurnsAtOnce)
            {
                ResumeSoon();
                return;
            }

            var scratch = Loop.Scratch.AsSpan();
            var held = _held.TakeInto(scratch);
            var received = Receive(scratch[held..]);
            var length = held + Math.Max(received, 0);
            var taken = Take(scratch[..length], ref turns);
            if (IsClosed)
                return;
            _held.Hold(scratch[taken..length]);
            if (taken > 0 || received > 0)
                continue; // there may be more, and the end: no other edge tells of it
            if (received is 0 or -2 && session.MayReceive)
                session.OnClientGone();
            return;
        }
    }

    /// <summary>All commands that are whole and not waited for: what is behind them would be copied for each.</summary>
    private int Take(Span<byte> bytes, ref int turns)
    {
        var taken = 0;
        do
        {
            turns++;
            var more = bytes.Length > taken ? session.OnReceived(bytes[taken..]) : 0;
            taken += more;
            if (more == 0)
                break;
        }
        while (!IsClosed && session.MayReceive && turns < TurnsAtOnce);

        return taken;
    }

    /// <summary>From here on the client speaks TLS.</summary>
    /// <param name="received">What came from it and was not used yet.</param>
    /// <param name="certificate">The proxy's.</param>
    /// <param name="failed">Hears why the handshake failed.</param>
    public void BeginTls(ReadOnlySpan<byte> received, SslStreamCertificateContext certificate, Action<string> failed)
    {
        var hello = received.ToArray();
        Rebind(socket => TlsPump.Serve(socket, hello, certificate, failed));
    }

    /// <summary>From here on the client compresses; what was sent to it before is on its way.</summary>
    /// <param name="failed">Hears what the client did wrong.</param>
    public void BeginCompression(Action<string> failed)
    {
        var received = new byte[_held.Length];
        _ = _held.TakeInto(received);
        Rebind(socket => CompressionPump.Serve(socket, received, failed));
    }

    public new void Close()
    {
        base.Close();
        _held.Release();
    }

    public override void OnFault(Exception fault) => session.OnFault(fault);

    protected override void OnWritable() => session.OnClientDrained();

    protected override void OnBroken() => session.OnClientGone();
}
