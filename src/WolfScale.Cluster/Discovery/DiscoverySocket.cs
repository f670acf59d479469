using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace WolfScale.Cluster.Discovery;

/// <summary>
/// The discovery port in one address family. Bound to all addresses, because a socket that is bound to one hears no broadcast (ip(7)), and shared with
/// other processes of this machine (a node and a load balancer), each of which hears every packet.
/// </summary>
internal sealed class DiscoverySocket : IDisposable
{
    private readonly Socket _socket;
    private readonly HashSet<long> _joined = [];

    /// <exception cref="SocketException">The port cannot be used.</exception>
    public DiscoverySocket(AddressFamily family, int port)
    {
        Family = family;
        _socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            if (family == AddressFamily.InterNetworkV6)
                _socket.DualMode = false;
            else
                _socket.EnableBroadcast = true;
            _socket.Bind(new IPEndPoint(Any, port));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public AddressFamily Family { get; }

    private IPAddress Any => Family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;

    /// <summary>Hears the multicast group on the interfaces of these addresses from now on, those that have just come included.</summary>
    public void Join(ImmutableArray<IPAddress> targets)
    {
        if (Family != AddressFamily.InterNetworkV6)
            return;
        var present = targets.Where(t => t.AddressFamily == AddressFamily.InterNetworkV6).Select(t => t.ScopeId).ToHashSet();
        _joined.IntersectWith(present); // an interface that went took its membership along
        foreach (var index in present.Where(index => !_joined.Contains(index)))
        {
            try
            {
                _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(LocalNetworks.Group, index));
            }
            catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                continue; // it has gone again, or is not ready: the next beacon's turn tries anew
            }
            catch (SocketException)
            {
                // It was joined before the interface was away for a moment.
            }
            _joined.Add(index);
        }
    }

    /// <summary>Sends to one address, best effort: a network that has just gone takes no packet, and the next beacon does not name it.</summary>
    public void Send(ReadOnlySpan<byte> packet, IPAddress to, int port)
    {
        try
        {
            _socket.SendTo(packet, SocketFlags.None, new IPEndPoint(to, port));
        }
        catch (SocketException)
        {
            // See above.
        }
    }

    /// <summary>The next packet.</summary>
    /// <param name="buffer">One byte longer than what is accepted: the rest of a longer packet is dropped by the kernel.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Length and sender; length −1 where the packet could not be taken.</returns>
    public async ValueTask<(int Length, EndPoint From)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(Any, 0), cancellationToken);
            return (received.ReceivedBytes, received.RemoteEndPoint);
        }
        catch (SocketException)
        {
            return (-1, new IPEndPoint(Any, 0));
        }
    }

    public void Dispose() => _socket.Dispose();
}
