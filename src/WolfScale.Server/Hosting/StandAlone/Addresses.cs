using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>The addresses under which nodes advertise their proxies. A name is looked up once, until it leads nowhere.</summary>
internal sealed class Addresses
{
    private const int Most = 256;

    private readonly ConcurrentDictionary<string, IPEndPoint> _known = new();
    private readonly ConcurrentDictionary<IPEndPoint, bool> _doubted = new();

    /// <summary>Looks up what is new in an answer.</summary>
    public async Task ResolveAsync(ClusterDocument answer)
    {
        if (_known.Count > Most)
            _known.Clear();
        foreach (var doubted in _doubted.Keys)
        {
            _ = _doubted.TryRemove(doubted, out _);
            foreach (var known in _known.Where(k => k.Value.Equals(doubted)))
                _ = _known.TryRemove(known);
        }

        foreach (var member in answer.Nodes)
        {
            if (member.Proxy is not { Length: > 0 } text || _known.ContainsKey(text) || !HostPort.TryParse(text, out var address, out _))
                continue;
            if (address.Host == "localhost" || IPAddress.TryParse(address.Host, out _))
                _known[text] = address.ToEndPoint();
            else if (await LookUpAsync(address.Host) is { } found)
                _known[text] = new IPEndPoint(found, address.Port);
        }
    }

    /// <summary>A connection to it was lost: with the next answer it is looked up again.</summary>
    public void Doubt(EndPoint address)
    {
        if (address is IPEndPoint number)
            _doubted[number] = true;
    }

    /// <returns>Null where there is none, or its name is not known.</returns>
    public IPEndPoint? Find(string? advertised) => advertised is { Length: > 0 } ? _known.GetValueOrDefault(advertised) : null;

    private static async Task<IPAddress?> LookUpAsync(string host)
    {
        try
        {
            return (await Dns.GetHostAddressesAsync(host)).FirstOrDefault();
        }
        catch (SocketException)
        {
            return null; // the next answer looks again
        }
    }
}
