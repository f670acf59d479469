using WolfScale.Cluster.Handshake;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Wire;

/// <summary>"Let me in", from a node that is not in the configuration, or not as it should be. Who asks, the connection has proven.</summary>
/// <param name="Former">Who its data directory was before; that member's vote can go. Null for none.</param>
/// <param name="Address">Where it is reached.</param>
internal sealed record JoinRequest(NodeKey? Former, string Address, bool NeverLeader, bool Witness);

/// <summary>What became of a <see cref="JoinRequest"/>. The numbers are the protocol.</summary>
internal enum JoinResult : byte
{
    /// <summary>It is in the configuration.</summary>
    Accepted = 0,

    /// <summary>Not now; ask again.</summary>
    Wait = 1,

    /// <summary>Ask the leader, who is named.</summary>
    Redirect = 2,

    /// <summary>No, for the reason given; asking again helps only after something was changed.</summary>
    Refused = 3,

    /// <summary>Unasked, from the leader: the node is not in the configuration (any more).</summary>
    NotAMember = 4,

    /// <summary>Unasked, from the leader: an operator has removed the node for good.</summary>
    Removed = 5,
}

internal sealed record JoinResponse(JoinResult Result, string Text, string LeaderAddress);

/// <summary>Asks the leader to take a member out of the configuration.</summary>
internal sealed record LeaveRequest(string NodeId);

/// <summary>Asks the leader for a read index; the answer's LSN is −1 when it has none to give.</summary>
internal readonly record struct ReadIndexRequest(long Id);

internal readonly record struct ReadIndexResponse(long Id, long Lsn);

/// <summary>What is wanted of the node that has a client.</summary>
internal enum ClientOrder : byte
{
    Find = 0,

    /// <summary>What runs for it on another server than the leader's ends.</summary>
    EndStatement = 1,

    /// <summary>That, and its session.</summary>
    EndSession = 2,
}

/// <summary>Asks for the client that was greeted with this id, and has logged in as this user; to an order there is no answer.</summary>
internal readonly record struct ClientQuestion(long Id, ClientOrder Order, uint ClientId, string User);

internal readonly record struct ClientAnswer(long Id, ClientState? Client);

/// <summary>The answer where there is more to tell than of one client of the node's own.</summary>
internal sealed record ClientAnswers(long Id, IReadOnlyList<ClientState> Clients);

/// <summary>The cluster's own messages as frames.</summary>
internal static class ClusterMessages
{
    /// <summary>MariaDB's: 128 characters.</summary>
    private const int MaxUserBytes = 512;

    public static byte[] Frame(JoinRequest message) => Build(FrameKind.JoinRequest, writer =>
    {
        writer.Flag(message.Former is not null);
        writer.Text(message.Former?.Id ?? "", HandshakeMessages.MaxIdBytes);
        writer.UInt64(message.Former?.Incarnation ?? 0);
        writer.Text(message.Address, HandshakeMessages.MaxAddressBytes);
        writer.Flag(message.NeverLeader);
        writer.Flag(message.Witness);
    });

    public static JoinRequest ReadJoinRequest(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var hasFormer = reader.Flag();
        var former = new NodeKey(reader.Text(HandshakeMessages.MaxIdBytes), reader.UInt64());
        var message = new JoinRequest(hasFormer ? former : null, reader.Text(HandshakeMessages.MaxAddressBytes), reader.Flag(), reader.Flag());
        reader.End();
        return message;
    }

    public static byte[] Frame(JoinResponse message) => Build(FrameKind.JoinResponse, writer =>
    {
        writer.Byte((byte)message.Result);
        writer.Text(message.Text, HandshakeMessages.MaxTextBytes);
        writer.Text(message.LeaderAddress, HandshakeMessages.MaxAddressBytes);
    });

    public static JoinResponse ReadJoinResponse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var message = new JoinResponse((JoinResult)reader.Byte(), HandshakeMessages.Printable(reader.Text(HandshakeMessages.MaxTextBytes)),
            reader.Text(HandshakeMessages.MaxAddressBytes));
        reader.End();
        return message;
    }

    public static byte[] Frame(LeaveRequest message) =>
        Build(FrameKind.LeaveRequest, writer => writer.Text(message.NodeId, HandshakeMessages.MaxIdBytes));

    public static LeaveRequest ReadLeaveRequest(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var message = new LeaveRequest(reader.Text(HandshakeMessages.MaxIdBytes));
        reader.End();
        return message;
    }

    public static byte[] Frame(ReadIndexRequest message) => Build(FrameKind.ReadIndexRequest, writer => writer.Position(message.Id));

    public static ReadIndexRequest ReadReadIndexRequest(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var message = new ReadIndexRequest(reader.Position());
        reader.End();
        return message;
    }

    public static byte[] Frame(ReadIndexResponse message) => Build(FrameKind.ReadIndexResponse, writer =>
    {
        writer.Position(message.Id);
        writer.Flag(message.Lsn >= 0);
        writer.Position(Math.Max(0, message.Lsn));
    });

    public static ReadIndexResponse ReadReadIndexResponse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var id = reader.Position();
        var known = reader.Flag();
        var lsn = reader.Position();
        reader.End();
        return new ReadIndexResponse(id, known ? lsn : -1);
    }

    public static byte[] Frame(ClientQuestion message) => Build(FrameKind.ClientQuestion, writer =>
    {
        writer.Position(message.Id);
        writer.Byte((byte)message.Order);
        writer.UInt32(message.ClientId);
        writer.Text(message.User, MaxUserBytes);
    });

    public static ClientQuestion ReadClientQuestion(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var message = new ClientQuestion(reader.Position(), (ClientOrder)reader.Byte(), reader.UInt32(), reader.Text(MaxUserBytes));
        reader.End();
        return message.Order <= ClientOrder.EndSession ? message : throw new WireFormatException($"{(byte)message.Order} is no order about a client");
    }

    public static byte[] Frame(ClientAnswer message) => Build(FrameKind.ClientAnswer, writer =>
    {
        writer.Position(message.Id);
        writer.Flag(message.Client is not null);
        writer.UInt32(message.Client?.ConnectionId ?? 0);
        writer.Flag(message.Client?.Reads ?? false);
    });

    public static ClientAnswer ReadClientAnswer(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var (id, found, client) = (reader.Position(), reader.Flag(), new ClientState(reader.UInt32(), reader.Flag()));
        reader.End();
        return new ClientAnswer(id, found ? client : null);
    }

    public static byte[] Frame(ClientAnswers message) => Build(FrameKind.ClientAnswers, writer =>
    {
        writer.Position(message.Id);
        var told = message.Clients.Take(IClientRegister.MostFound).ToList();
        writer.Byte((byte)told.Count);
        foreach (var client in told)
        {
            writer.UInt32(client.ConnectionId);
            writer.Flag(client.Reads);
            writer.UInt64(client.Through);
        }
    });

    public static ClientAnswers ReadClientAnswers(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var (id, clients) = (reader.Position(), new ClientState[reader.Byte()]);
        for (var i = 0; i < clients.Length; i++)
            clients[i] = new ClientState(reader.UInt32(), reader.Flag(), reader.UInt64());
        reader.End();
        return new ClientAnswers(id, clients);
    }

    /// <summary>A frame of its own bytes; for messages that are rare or go to several peers.</summary>
    public static byte[] Build(FrameKind kind, Action<WireWriter> write)
    {
        var writer = new WireWriter();
        writer.BeginFrame(kind);
        write(writer);
        writer.EndFrame();
        return writer.Written.ToArray();
    }
}
