namespace WolfScale.Protocol.Handshake;

/// <summary>Capability flags of both sides of a connection (MariaDB Knowledge Base, "Connection": capabilities).</summary>
[Flags]
public enum Capabilities : uint
{
    None = 0,

    /// <summary>CLIENT_MYSQL / CLIENT_LONG_PASSWORD. A MariaDB server leaves it out to say that it is not MySQL and has extended flags.</summary>
    LongPassword = 1,
    FoundRows = 1 << 1,
    LongFlag = 1 << 2,
    ConnectWithDatabase = 1 << 3,
    NoSchema = 1 << 4,
    Compress = 1 << 5,
    LocalFiles = 1 << 7,
    IgnoreSpace = 1 << 8,
    Protocol41 = 1 << 9,
    Interactive = 1 << 10,
    Ssl = 1 << 11,
    Transactions = 1 << 13,
    SecureConnection = 1 << 15,
    MultiStatements = 1 << 16,
    MultiResults = 1 << 17,
    PreparedStatementMultiResults = 1 << 18,
    PluginAuth = 1 << 19,
    ConnectAttributes = 1 << 20,
    PluginAuthLengthEncodedData = 1 << 21,
    HandleExpiredPasswords = 1 << 22,
    SessionTrack = 1 << 23,
    DeprecateEof = 1 << 24,
}
