namespace WolfScale.Settings;

/// <summary>How the APIs of a cluster's nodes are reached.</summary>
public static class ApiScheme
{
    /// <summary><c>https</c> or <c>http</c>, of this node and of the others: nodes of one cluster are set up alike.</summary>
    public static string Scheme(this ApiSection api) => api.TlsCert.Length > 0 ? "https" : "http";
}
