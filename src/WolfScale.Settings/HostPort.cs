using System.Globalization;
using System.Net;

namespace WolfScale.Settings;

/// <summary>An address as people write it: <c>host:port</c>, an IPv6 host in brackets.</summary>
public readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Whether it names every address of the machine (<c>0.0.0.0</c>, <c>[::]</c>, <c>*</c>).</summary>
    public bool IsWildcard => Host is "*" or "" || (IPAddress.TryParse(Host, out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)));

    /// <summary>Whether only this machine can reach it. A name other than <c>localhost</c> counts as not loopback.</summary>
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Whether a listener can be opened on it: a number, <c>localhost</c> or a wildcard. A name could mean another machine tomorrow.</summary>
    public bool IsBindable => IsWildcard || Host == "localhost" || IPAddress.TryParse(Host, out _);

    /// <summary>Whether two listeners on these addresses would take each other's port.</summary>
    public bool Overlaps(HostPort other) =>
        Port != 0 && Port == other.Port && (IsWildcard || other.IsWildcard || Number(Host) == Number(other.Host));

    /// <summary>The address a listener binds: a wildcard or loopback name becomes its number.</summary>
    public IPEndPoint ToEndPoint() => new(
        Host is "*" or "" ? IPAddress.Any : Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(Host), Port);

    private static string Number(string host) => host == "localhost" ? "127.0.0.1" : host;

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    /// <summary>Reads <c>host:port</c>; says in <paramref name="problem"/> what is wrong with anything else.</summary>
    public static bool TryParse(string text, out HostPort address, out string problem)
    {
        address = default;
        if (text.Any(c => char.IsWhiteSpace(c) || c == '/'))
        {
            problem = $"\"{text}\" is not an address: write host:port, without a scheme or spaces";
            return false;
        }

        var colon = text.LastIndexOf(':');
        var closing = text.LastIndexOf(']');
        if (colon <= closing || colon < 0)
        {
            problem = $"\"{text}\" has no port: write host:port, for example \"{(text.Length > 0 ? text : "10.0.10.10")}:7654\"";
            return false;
        }

        var host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            problem = $"\"{text}\" is ambiguous: write an IPv6 address in brackets, \"[::1]:7654\"";
            return false;
        }

        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65535)
        {
            problem = $"\"{text[(colon + 1)..]}\" in \"{text}\" is not a port (0 to 65535)";
            return false;
        }

        address = new HostPort(host, port);
        problem = "";
        return true;
    }
}
