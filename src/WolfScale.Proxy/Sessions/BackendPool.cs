using System.Net;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;

namespace WolfScale.Proxy.Sessions;

/// <summary>Which sessions may use one another's connections: everything that a login decides and COM_RESET_CONNECTION does not.</summary>
/// <param name="Address">The leader's server, or the proxy of its node.</param>
/// <param name="Login">See <see cref="LoginPacket.PoolKey"/>.</param>
/// <param name="Secret">Base64 of what proves the password.</param>
internal sealed record PoolKey(EndPoint Address, string Login, string Secret);

/// <summary>
/// Connections to the leader that a session has left behind, for the next one of the same account: one that connects for every page then costs no
/// login on the server. Of one loop. A connection comes in after COM_RESET_CONNECTION, so that neither a transaction nor a lock waits here.
/// </summary>
/// <param name="loop">Whose.</param>
/// <param name="capacity">Connections at most, those that are being reset included.</param>
internal sealed class BackendPool(EventLoop loop, int capacity)
{
    private const long LongestIdleMs = 60_000;

    private readonly Dictionary<PoolKey, List<Idle>> _idle = [];
    private int _count;

    /// <summary>A connection that is logged in and as new, or null.</summary>
    public Backend? Take(PoolKey key, IBackendOwner owner)
    {
        if (!_idle.TryGetValue(key, out var idle))
            return null;
        var backend = idle[^1].Leave();
        backend.Owner = owner;
        return backend;
    }

    /// <summary>Keeps a connection that nothing is under way on; closes it where there is no room, or somebody is about to KILL what its last session did. That session must not have it any more by then.</summary>
    /// <param name="backend">The session's that ends.</param>
    /// <param name="key">Its.</param>
    /// <param name="preparation">What every connection is told at its start.</param>
    public void Return(Backend backend, PoolKey key, byte[] preparation)
    {
        Interlocked.MemoryBarrier(); // the session has let go of it before the marks are looked at (ClientSession.AimAt)
        if (_count >= capacity || backend.Aims > 0)
        {
            backend.Leave();
            return;
        }

        _count++;
        var idle = new Idle(this, key, backend);
        backend.Owner = idle;
        backend.Setup = new BackendSetup(backend, null, [new ScriptItem(CommandCode.ResetConnection, []), ScriptItem.Query(preparation)], (_, refusal) =>
        {
            if (refusal is not null)
                idle.End();
            else
                Keep(idle);
        });
        backend.Setup.Begin();
        _ = loop.After(LongestIdleMs, idle.End); // a reset that is never answered too
    }

    private void Keep(Idle idle)
    {
        if (!_idle.TryGetValue(idle.Key, out var others))
            _idle[idle.Key] = others = [];
        others.Add(idle);
    }

    private void Remove(Idle idle)
    {
        _count--;
        if (_idle.TryGetValue(idle.Key, out var others) && others.Remove(idle) && others.Count == 0)
            _ = _idle.Remove(idle.Key);
    }

    /// <summary>A connection that waits for its next session.</summary>
    private sealed class Idle(BackendPool pool, PoolKey key, Backend backend) : IBackendOwner
    {
        private bool _left;

        public PoolKey Key => key;

        /// <summary>It is no longer the pool's.</summary>
        public Backend Leave()
        {
            _left = true;
            pool.Remove(this);
            return backend;
        }

        public void End()
        {
            if (!_left)
                Leave().Close();
        }

        public void OnGreeting(Backend from, Span<byte> packet) => throw new ProtocolException("A server greets twice.");

        public byte[]? AddressHeader(Backend from) => null;

        /// <summary>It says why it closes, or it is out of step.</summary>
        public int OnReceived(Backend from, Span<byte> bytes)
        {
            End();
            return bytes.Length;
        }

        public bool MayReceive(Backend from) => true;

        public void OnInterrupted(Backend from)
        {
            // Its last session's statement was over already.
        }

        public void OnCondemned(Backend from) => End();

        public void OnDrained(Backend from)
        {
        }

        public void OnFault(Exception fault) => End();

        public void OnLost(Backend from, string reason) => End();
    }
}
