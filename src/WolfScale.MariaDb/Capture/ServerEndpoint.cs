using System.Net;
using System.Net.Sockets;

namespace WolfScale.MariaDb;

/// <summary>Where a MariaDB server is and who logs in. A unix socket is preferred where given.</summary>
public sealed record ServerEndpoint
{
    public string Host { get; init; } = "localhost";

    public int Port { get; init; } = 3306;

    /// <summary>Path of the server's unix socket; empty for TCP.</summary>
    public string Socket { get; init; } = "";

    public required string User { get; init; }

    public string Password { get; init; } = "";

    /// <summary>For messages: where the connection goes.</summary>
    public override string ToString() => Socket.Length > 0 ? Socket : $"{Host}:{Port}";

    /// <summary>The addresses to try, in order.</summary>
    internal IEnumerable<EndPoint> Addresses()
    {
        if (Socket.Length > 0)
            return [new UnixDomainSocketEndPoint(Socket)];
        if (IPAddress.TryParse(Host, out var address))
            return [new IPEndPoint(address, Port)];
        return Dns.GetHostAddresses(Host).Select(a => new IPEndPoint(a, Port));
    }
}
