namespace WolfScale.Protocol.Handshake;

/// <summary>Server status flags, in greeting, OK and EOF packets.</summary>
[Flags]
public enum ServerStatus : ushort
{
    None = 0,
    InTransaction = 1,
    AutoCommit = 2,
    MoreResults = 8,
    CursorExists = 64,
    LastRowSent = 128,
    QueryWasSlow = 0x800,

    /// <summary>SERVER_PS_OUT_PARAMS: the result holds the OUT parameters of a procedure.</summary>
    OutParameters = 0x1000,
    SessionStateChanged = 0x4000,
}
