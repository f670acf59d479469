using System.Net;
using System.Net.Sockets;

namespace WolfScale.Cluster.Transport;

/// <summary>HOST:PORT as people write it: a name, an IPv4 address, or an IPv6 address in brackets.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    public static bool TryParse(string text, out HostPort result)
    {
        result = default;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out var port) || port > ushort.MaxValue)
        {
            return false;
        }
        var host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':'))
            return false;
        result = new HostPort(host, port);
        return host.Length > 0;
    }

    /// <summary>Whether nobody outside this machine can be meant. A name other than "localhost" is not known to be loopback.</summary>
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The address to connect to; names are looked up every time, because they may change.</summary>
    /// <exception cref="SocketException">The name is unknown.</exception>
    public IPEndPoint Resolve() =>
        new(IPAddress.TryParse(Host, out var literal) ? literal : Dns.GetHostAddresses(Host)[0], Port);

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
