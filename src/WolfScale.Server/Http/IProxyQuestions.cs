namespace WolfScale.Server.Http;

/// <summary>What a proxy on another machine asks a node, because it has no server and no log itself.</summary>
public interface IProxyQuestions
{
    /// <summary>The GTID of the last transaction that anybody can have been told of when this was asked, or null where the log holds none.</summary>
    /// <exception cref="Exception">No leader confirmed it.</exception>
    Task<string?> ReadIndexAsync();

    /// <summary>SHA1(SHA1(password)) of every account with this user name that uses mysql_native_password; empty arrays for empty passwords.</summary>
    /// <exception cref="Exception">The server does not answer.</exception>
    Task<IReadOnlyList<byte[]>> AccountHashesAsync(string user);
}
