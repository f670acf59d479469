using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb;

/// <summary>The server answered a statement or command with an ERR packet.</summary>
internal sealed class ServerErrorException(string what, ErrPacket error) : Exception($"{what}: the server answered {error}")
{
    /// <summary>The server's answer.</summary>
    public ErrPacket Error { get; } = error;
}
