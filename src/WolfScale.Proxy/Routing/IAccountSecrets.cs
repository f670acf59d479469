namespace WolfScale.Proxy.Routing;

/// <summary>What the local server stores of its accounts' passwords, needed to log a client in on another server than the one it spoke to.</summary>
public interface IAccountSecrets
{
    /// <summary>Why there are none to be had here, for people; null where there are.</summary>
    string? Unavailable => null;

    /// <summary>A client has logged in at the local server, and is to be able to leave it when it is dead.</summary>
    void Remember();

    /// <summary>SHA1(SHA1(password)) of every account with this user name that uses mysql_native_password; empty arrays for empty passwords.</summary>
    /// <exception cref="Exception">The server does not answer.</exception>
    Task<IReadOnlyList<byte[]>> NativeHashesAsync(string user);
}
