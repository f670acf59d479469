using System.Collections.Immutable;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Wire;

/// <summary>
/// Consensus messages as frames. Sender and addressee are not in them: the connection has proven both. An AppendRequest carries the
/// positions, then its batches exactly as they are stored.
/// </summary>
internal static class MessageCodec
{
    /// <summary>Batches in one AppendRequest at most.</summary>
    public const int MaxBatches = 16 * 1024;

    private const byte FitFlag = 1;
    private const byte NeverLeaderFlag = 2;
    private const byte WitnessFlag = 4;

    /// <summary>Writes the frame up to the batches, of which <paramref name="batchBytes"/> bytes follow.</summary>
    public static void Write(WireWriter writer, Message message, int batchBytes)
    {
        writer.BeginFrame(KindOf(message));
        writer.Position(message.Term);
        switch (message)
        {
            case PreVoteRequest m:
                WritePosition(writer, m.Last);
                WriteStanding(writer, m.Standing);
                break;
            case VoteRequest m:
                WritePosition(writer, m.Last);
                WriteStanding(writer, m.Standing);
                writer.Flag(m.LeaderTransfer);
                break;
            case PreVoteResponse m:
                writer.Flag(m.Granted);
                break;
            case VoteResponse m:
                writer.Flag(m.Granted);
                break;
            case AppendRequest m:
                WritePosition(writer, m.Previous);
                writer.Position(m.CommitLsn);
                writer.Position(m.ReadIndexContext);
                writer.Flag(m.AnswerNow);
                writer.UInt16((ushort)m.Batches.Length);
                break;
            case AppendResponse m:
                writer.Flag(m.Success);
                writer.Position(m.MatchLsn);
                writer.Position(m.PreviousLsn);
                WritePosition(writer, m.Hint);
                WriteStanding(writer, m.Standing);
                writer.Position(m.ReadIndexContext);
                break;
            case TimeoutNow:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "this message has no frame");
        }
        writer.EndFrame(batchBytes);
    }

    /// <summary>Reads a message; null for a kind that is none of consensus.</summary>
    /// <exception cref="WireFormatException">It is cut short, too long, or has a value outside its range.</exception>
    public static Message? Read(FrameKind kind, ReadOnlySpan<byte> payload, NodeKey from, NodeKey to)
    {
        if (kind is < FrameKind.PreVoteRequest or > FrameKind.TimeoutNow)
            return null;
        var reader = new WireReader(payload);
        var term = reader.Position();
        if (kind == FrameKind.AppendRequest)
            return ReadAppend(reader, from, to, term);
        Message message = kind switch
        {
            FrameKind.PreVoteRequest => new PreVoteRequest(from, to, term, ReadPosition(ref reader), ReadStanding(ref reader)),
            FrameKind.PreVoteResponse => new PreVoteResponse(from, to, term, reader.Flag()),
            FrameKind.VoteRequest => new VoteRequest(from, to, term, ReadPosition(ref reader), ReadStanding(ref reader), reader.Flag()),
            FrameKind.VoteResponse => new VoteResponse(from, to, term, reader.Flag()),
            FrameKind.AppendResponse => new AppendResponse(from, to, term, reader.Flag(), reader.Position(), reader.Position(),
                ReadPosition(ref reader), ReadStanding(ref reader), reader.Position()),
            _ => new TimeoutNow(from, to, term),
        };
        reader.End();
        return message;
    }

    /// <summary>Drops the batches that came with a message.</summary>
    public static void ReleaseBatches(Message message)
    {
        if (message is AppendRequest { Attachment: WalBatch[] batches })
        {
            foreach (var batch in batches)
                batch.Release();
        }
    }

    private static AppendRequest ReadAppend(WireReader reader, NodeKey from, NodeKey to, long term)
    {
        var previous = ReadPosition(ref reader);
        var commit = reader.Position();
        var readContext = reader.Position();
        var answerNow = reader.Flag();
        int count = reader.UInt16();
        if (count > MaxBatches)
            throw new WireFormatException($"{count} batches are announced and at most {MaxBatches} are allowed");
        var batches = count == 0 ? [] : new WalBatch[count];
        var infos = ImmutableArray.CreateBuilder<BatchInfo>(count);
        var parsed = 0;
        try
        {
            var expected = previous.Lsn + 1;
            for (; parsed < count; parsed++)
            {
                if (reader.Remaining < WalBatch.HeaderBytes)
                    throw new WireFormatException("a batch is cut off");
                var rest = reader;
                var length = WalBatch.TotalLength(rest.Take(WalBatch.HeaderBytes), reader.Remaining);
                var batch = WalBatch.Parse(reader.Take(length));
                batches[parsed] = batch;
                if (batch.FirstLsn != expected || batch.Term > term)
                {
                    parsed++;
                    throw new WireFormatException($"a batch begins at LSN {batch.FirstLsn} where {expected} is expected, or is of a later term");
                }
                expected = batch.LastLsn + 1;
                infos.Add(Describe(batch));
            }
            reader.End();
        }
        catch (Exception e)
        {
            for (var i = 0; i < parsed; i++)
                batches[i].Release();
            if (e is WalFormatException or InvalidDataException)
                throw new WireFormatException($"a batch is not one: {e.Message}", e);
            throw;
        }
        return new AppendRequest(from, to, term, previous, infos.MoveToImmutable(), commit, readContext, answerNow) { Attachment = batches };
    }

    /// <summary>The metadata the core sees of a batch; a configuration is decoded from its one entry.</summary>
    /// <exception cref="InvalidDataException">The configuration's bytes are damaged.</exception>
    public static BatchInfo Describe(WalBatch batch)
    {
        Configuration? configuration = null;
        if (batch.FirstKind == EntryKind.Configuration)
        {
            using var entries = batch.Entries();
            if (entries.MoveNext())
                configuration = ConfigurationCodec.Decode(entries.Current.Payload.Span);
        }
        return new BatchInfo(batch.FirstLsn, batch.LastLsn, batch.Term, batch.Bytes.Length, configuration);
    }

    private static FrameKind KindOf(Message message) => message switch
    {
        PreVoteRequest => FrameKind.PreVoteRequest,
        PreVoteResponse => FrameKind.PreVoteResponse,
        VoteRequest => FrameKind.VoteRequest,
        VoteResponse => FrameKind.VoteResponse,
        AppendRequest => FrameKind.AppendRequest,
        AppendResponse => FrameKind.AppendResponse,
        TimeoutNow => FrameKind.TimeoutNow,
        _ => throw new ArgumentOutOfRangeException(nameof(message), message, "this message has no frame"),
    };

    private static void WritePosition(WireWriter writer, LogPosition position)
    {
        writer.Position(position.Lsn);
        writer.Position(position.Term);
    }

    private static LogPosition ReadPosition(ref WireReader reader) => new(reader.Position(), reader.Position());

    private static void WriteStanding(WireWriter writer, Standing standing) => writer.Byte((byte)(
        (standing.Fitness == Fitness.Fit ? FitFlag : 0) | (standing.NeverLeader ? NeverLeaderFlag : 0) | (standing.Witness ? WitnessFlag : 0)));

    private static Standing ReadStanding(ref WireReader reader)
    {
        var flags = reader.Byte();
        if (flags > (FitFlag | NeverLeaderFlag | WitnessFlag))
            throw new WireFormatException($"a standing is {flags}");
        return new Standing((flags & FitFlag) != 0 ? Fitness.Fit : Fitness.Unfit, (flags & NeverLeaderFlag) != 0, (flags & WitnessFlag) != 0);
    }
}
