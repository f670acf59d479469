using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// The types of the parameters in an execution that passes unread. A client sends them the first time only, and a server that has never seen them refuses the execution (1210, MariaDB 10.11, measured). So they are
/// noted as in <see cref="KeepFor"/>, for the next server; and put in where this one has not had them.
/// <code>
///   client ──header · code · id · … · no types · values (more than 64 KiB) ──▶
///          header, longer by the types · code · id · … · types ──▶ server, and then the values as they come
/// </code>
/// </summary>
internal sealed partial class ClientSession
{
    private const byte TypesFollowInBulk = 128;

    /// <summary>Where they would be: from the byte that tells whether they follow to behind the last of them.</summary>
    private static (int Flag, int Begin, int End) PlaceOfTypes(CommandCode code, PreparedStatement statement)
    {
        var isBulk = code == CommandCode.StatementBulkExecute;
        var flag = PacketHeader.Size + 1 + 4 + (isBulk ? 0 : 1 + 4 + ((statement.Parameters + 7) / 8));
        var begin = flag + (isBulk ? 2 : 1);
        return (flag, begin, begin + (2 * statement.Parameters));
    }

    /// <summary>The types, or the place where they are missing, must be here before the execution begins to pass.</summary>
    private bool MustAwaitTypes(CommandCode code, PreparedStatement statement, ReadOnlySpan<byte> bytes)
    {
        var end = Math.Min(PlaceOfTypes(code, statement).End, PacketHeader.Size + PacketHeader.Read(bytes).PayloadLength);
        return code != CommandCode.StatementSendLongData && bytes.Length < Math.Min(end, _loop.Scratch.Length);
    }

    /// <summary>Notes the types; or, where the leader's server lacks them, makes the beginning of a command that has them.</summary>
    /// <param name="code">Executes.</param>
    /// <param name="statement">What.</param>
    /// <param name="bytes">The command as far as it is here, with the server's id of the statement.</param>
    /// <param name="replaced">How many of these bytes the new beginning takes the place of.</param>
    /// <returns>The new beginning, or null where the command passes as it is.</returns>
    private byte[]? NoteTypes(CommandCode code, PreparedStatement statement, ReadOnlySpan<byte> bytes, out int replaced)
    {
        replaced = 0;
        var (flag, begin, end) = PlaceOfTypes(code, statement);
        if (code == CommandCode.StatementSendLongData || statement.Parameters == 0 || bytes.Length < begin)
            return null;
        if (end > _loop.Scratch.Length)
        {
            _state.TieTo("a statement has more parameters than the proxy can follow");
            statement.StaysOnLeader();
            return null;
        }

        var isBulk = code == CommandCode.StatementBulkExecute;
        var known = statement.Types;
        if (isBulk ? (bytes[flag] & TypesFollowInBulk) != 0 : bytes[flag] == 1)
        {
            if (bytes.Length >= end)
                statement.Types = bytes[begin..end].ToArray();
        }
        else if (known is not null && statement.AtLeader.Types != known)
        {
            replaced = begin;
        }

        statement.AtLeader.Types = statement.Types;
        return replaced == 0 ? null : WithTypes(bytes, flag, begin, known!, isBulk ? TypesFollowInBulk : (byte)1);
    }

    /// <summary>The session ends where the command would need another packet.</summary>
    private byte[]? WithTypes(ReadOnlySpan<byte> bytes, int flag, int begin, byte[] types, byte typesFollow)
    {
        var length = PacketHeader.Read(bytes).PayloadLength + types.Length;
        if (length >= PacketHeader.MaxPayload)
        {
            Refuse(ProxyErrors.SessionCannotMove("a command of 16 MiB leaves out the types of its parameters, which the new one has not been sent"), 1);
            return null;
        }

        byte[] beginning = [.. bytes[..begin], .. types];
        beginning[flag] |= typesFollow;
        new PacketHeader(length, 0).Write(beginning);
        return beginning;
    }
}
