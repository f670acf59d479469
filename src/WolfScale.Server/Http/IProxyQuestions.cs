using WolfScale.Proxy.Sql;

namespace WolfScale.Server.Http;

/// <summary>What a proxy on another machine asks a node, because it has no server and no log itself.</summary>
public interface IProxyQuestions
{
    /// <summary>
    /// The last transaction that anybody can have been told of when this was asked. Who leads is looked up behind the confirmation: whoever confirmed it had no later term, and a leader that
    /// had acknowledged more before the question would have had one.
    /// </summary>
    /// <exception cref="Exception">No leader confirmed it.</exception>
    Task<ReadIndexDocument> ReadIndexAsync();

    /// <summary>What the proxy compares statements with; null where there is no proxy, or it has not read it.</summary>
    HiddenViews? HiddenNames { get; }

    /// <summary>SHA1(SHA1(password)) of every account with this user name that uses mysql_native_password; empty arrays for empty passwords.</summary>
    /// <exception cref="Exception">The server does not answer.</exception>
    Task<IReadOnlyList<byte[]>> AccountHashesAsync(string user);
}
