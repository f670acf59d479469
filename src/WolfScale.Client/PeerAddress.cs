using WolfScale.Settings;

namespace WolfScale.Client;

/// <summary>Where a stand-alone proxy asks for the cluster: the HTTP API of a node.</summary>
public static class PeerAddress
{
    public const int ClusterPort = 7654;

    /// <summary>Reads <c>HOST:API_PORT</c> or a URL, as <c>--peers</c> takes it.</summary>
    /// <param name="text">One peer.</param>
    /// <param name="scheme">Where the text has none.</param>
    /// <param name="api">The base of the node's API.</param>
    /// <param name="problem">What is wrong, and what to write instead.</param>
    public static bool TryParse(string text, string scheme, out Uri api, out string problem)
    {
        api = null!;
        problem = "";
        if (text.Contains("://", StringComparison.Ordinal))
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.AbsolutePath == "/" && url.UserInfo.Length == 0)
            {
                api = url;
                return true;
            }

            problem = $"\"{text}\" is not the URL of a node's API: write it as \"http://10.0.10.10:8080\"";
            return false;
        }

        if (!HostPort.TryParse(text, out var address, out _) || address.IsWildcard || address.Port == 0)
            problem = $"\"{text}\" is not a peer: write HOST:PORT of a node's HTTP API (its [api] bind_address; port 8080 unless that was changed), or its URL";
        else if (address.Port == ClusterPort)
            problem = $"\"{text}\" is a node's cluster port: a proxy asks the HTTP API, so write \"{address with { Port = 8080 }}\" (or whatever port its [api] bind_address has)";
        else
            api = new Uri($"{scheme}://{address}");
        return problem.Length == 0;
    }

    /// <summary>
    /// Reads an entry of <c>cluster.peers</c>, which is a cluster address there as in every configuration file: the API is asked on the same host, on the
    /// port that the file gives for it, since nodes of one cluster are set up alike. A URL is taken as it stands.
    /// </summary>
    public static bool TryFromConfiguration(string text, int apiPort, string scheme, out Uri api, out string problem)
    {
        if (text.Contains("://", StringComparison.Ordinal) || !HostPort.TryParse(text, out var address, out _))
            return TryParse(text, scheme, out api, out problem);
        return TryParse((address with { Port = apiPort }).ToString(), scheme, out api, out problem);
    }
}
