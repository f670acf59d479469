using System.Net;

namespace WolfScale.Settings;

/// <summary>Networks as people write them: <c>10.0.0.0/24</c>, <c>fd00::/8</c>, one address, or <c>*</c> for all.</summary>
public static class Networks
{
    /// <returns>Null where it is none of these.</returns>
    public static IReadOnlyList<IPNetwork>? Parse(string text)
    {
        if (text == "*")
            return [new IPNetwork(IPAddress.Any, 0), new IPNetwork(IPAddress.IPv6Any, 0)];
        if (IPAddress.TryParse(text, out var address))
            return [new IPNetwork(address, address.GetAddressBytes().Length * 8)];
        return IPNetwork.TryParse(text, out var network) ? [network] : null;
    }
}
