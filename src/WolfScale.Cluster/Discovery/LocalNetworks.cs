using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace WolfScale.Cluster.Discovery;

/// <summary>
/// Where beacons go, looked up anew for every one of them, because addresses come and go: the broadcast address of each IPv4 network, and a
/// link-local multicast group on each interface with IPv6.
/// </summary>
internal static class LocalNetworks
{
    /// <summary>Transient, link-local scope (RFC 4291 §2.7): routers do not pass it on, and no other protocol has it.</summary>
    public static readonly IPAddress Group = IPAddress.Parse("ff12::5753:7654");

    private static readonly IPAddress LoopbackBroadcast = IPAddress.Parse("127.255.255.255");

    /// <summary>The addresses to send to, in a fixed order; an IPv6 one bears its interface's index as scope.</summary>
    /// <param name="bound">See <see cref="DiscoveryOptions.Bind"/>.</param>
    public static ImmutableArray<IPAddress> Targets(IPAddress bound)
    {
        if (IPAddress.IsLoopback(bound))
            return [LoopbackBroadcast]; // nobody else could reach a loopback address
        var every = bound.Equals(IPAddress.Any) || bound.Equals(IPAddress.IPv6Any);
        var targets = new List<IPAddress>();
        foreach (var network in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (network.OperationalStatus is OperationalStatus.Down or OperationalStatus.NotPresent || network.NetworkInterfaceType == NetworkInterfaceType.Loopback)
                continue;
            var addresses = network.GetIPProperties().UnicastAddresses;
            if (!every && !addresses.Any(a => a.Address.Equals(bound)))
                continue;
            targets.AddRange(addresses.Select(Broadcast).OfType<IPAddress>());
            if (addresses.FirstOrDefault(a => a.Address.IsIPv6LinkLocal) is { } linkLocal && network.SupportsMulticast)
                targets.Add(new IPAddress(Group.GetAddressBytes(), linkLocal.Address.ScopeId));
        }
        return [.. targets.Distinct().OrderBy(t => t.AddressFamily).ThenBy(t => t.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>The broadcast address of an IPv4 address's network; null where there is none (RFC 3021: a network of two has no broadcast).</summary>
    private static IPAddress? Broadcast(UnicastIPAddressInformation address)
    {
        if (address.Address.AddressFamily != AddressFamily.InterNetwork || address.PrefixLength is < 1 or > 30)
            return null;
        var bytes = address.Address.GetAddressBytes();
        BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) | (uint.MaxValue >> address.PrefixLength));
        return new IPAddress(bytes);
    }
}
