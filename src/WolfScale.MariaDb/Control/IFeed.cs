namespace WolfScale.MariaDb;

/// <summary>Where the local server fetches the committed log: WolfScale as its replication master.</summary>
public interface IFeed
{
    /// <summary>Address the server connects to.</summary>
    string Host { get; }

    int Port { get; }

    string User { get; }

    string Password { get; }
}
