using System.Collections.Concurrent;
using System.Net;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Hosts from which another proxy last came for reads. What a connection is for is known only from its login, after the greeting; what the last one from
/// there was for is a good guess, and a wrong one costs a round trip.
/// </summary>
internal sealed class HopHosts
{
    private const int Most = 1024;

    private readonly ConcurrentDictionary<IPAddress, bool> _hosts = new();

    public bool Expects(IPAddress? host) => host is not null && _hosts.ContainsKey(host);

    public void Note(IPAddress? host, bool readerHop)
    {
        if (host is null)
            return;
        if (!readerHop)
        {
            _ = _hosts.TryRemove(host, out _);
            return;
        }

        if (_hosts.Count >= Most)
            _hosts.Clear();
        _hosts[host] = true;
    }
}
