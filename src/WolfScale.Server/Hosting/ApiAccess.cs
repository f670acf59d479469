using System.Net;
using WolfScale.Server.Http.Data.Sessions;

namespace WolfScale.Server.Hosting;

/// <summary>How the HTTP API reaches the database: as a client of its own node's proxy, which does for it what it does for every client.</summary>
internal static class ApiAccess
{
    /// <param name="configuration">The node's.</param>
    /// <param name="proxy">Where its proxy listens; null while it does not.</param>
    /// <param name="lastGtid">Asks the proxy what a session has committed; the same one as long as the proxy is.</param>
    /// <param name="ownServer">Asks the proxy for the node's own server; the same one as long as the proxy is.</param>
    public static (SessionOptions? Options, string Why) Find(NodeConfiguration configuration, IPEndPoint? proxy, LastGtidQuestion? lastGtid = null, OwnServerQuestion? ownServer = null)
    {
        if (!configuration.Database.Enabled)
            return (null, "It is a witness, which has no database: ask another node.");
        if (!configuration.Proxy.Enabled)
            return (null, "The HTTP API reaches the database through the node's proxy, which is off: set proxy.enabled = true, or ask another node.");
        if (proxy is null)
            return (null, "The node is still starting: ask again in a moment.");
        var database = configuration.Database;
        return (new SessionOptions(proxy, configuration.Proxy.TlsRequired, database.User, database.Password, database.PoolSize, configuration.Proxy.FailoverWaitMs, lastGtid, ownServer), "");
    }
}
