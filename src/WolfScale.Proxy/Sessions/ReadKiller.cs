using System.Net.Security;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>A connection for one KILL QUERY, to the server where a session's read runs, and under that session's account. It ends with the answer, whatever that is.</summary>
internal sealed class ReadKiller : IBackendOwner
{
    /// <summary>A reader that accepts and says nothing.</summary>
    public const int LimitMs = 5_000;

    private readonly IBackendOwner _session;

    private ReadKiller(IBackendOwner session) => _session = session;

    /// <param name="session">Whose read it is.</param>
    /// <param name="read">The connection that it runs on.</param>
    /// <param name="login">The session's.</param>
    /// <param name="tls">See <see cref="Backend.Tls"/>.</param>
    public static void Begin(IBackendOwner session, Backend read, BackendLogin login, SslClientAuthenticationOptions? tls)
    {
        var owner = new ReadKiller(session);
        if ((read.Reader is { } reader ? Backend.Connect(read.Loop, reader, tls, owner) : Backend.Connect(read.Loop, read.Address, hop: false, tls, owner, out _)) is not { } connection)
            return; // the reader is gone, and the read with it
        connection.Setup = new BackendSetup(connection, login, [ScriptItem.Query($"KILL HARD QUERY {read.ConnectionId}")], (_, _) => connection.Close());
        _ = read.Loop.After(LimitMs, connection.Close);
    }

    void IBackendOwner.OnGreeting(Backend backend, Span<byte> packet) => backend.Close(); // a Setup hears of it

    byte[]? IBackendOwner.AddressHeader(Backend backend) => _session.AddressHeader(backend);

    int IBackendOwner.OnReceived(Backend backend, Span<byte> bytes) => bytes.Length;

    bool IBackendOwner.MayReceive(Backend backend) => true;

    void IBackendOwner.OnInterrupted(Backend backend)
    {
        // It is sent again.
    }

    void IBackendOwner.OnCondemned(Backend backend) => backend.Close();

    void IBackendOwner.OnDrained(Backend backend)
    {
        // One short statement.
    }

    void IBackendOwner.OnFault(Exception fault) => _session.OnFault(fault);

    void IBackendOwner.OnLost(Backend backend, string reason)
    {
        // Nothing waits for it.
    }
}
