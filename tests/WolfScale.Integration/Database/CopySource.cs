using System.IO.Pipelines;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>Another node to copy from, without HTTP in between. A test may look on, and break the stream.</summary>
internal sealed class CopySource(TestNode node) : IMigrationSource, IMigrationSources
{
    public string Name => node.Name;

    /// <summary>How often a dump was opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Called for each dump with its number, from 1; gives the stream that the receiver reads.</summary>
    public Func<int, Stream, Stream> Wrap { get; set; } = (_, stream) => stream;

    public IMigrationSource Named(string from) => from == Name ? this : throw new DumpException($"There is no node {from}.");

    public IMigrationSource? Choose(int attempt) => this;

    public Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<IMigrationStream> OpenAsync(CancellationToken cancellationToken)
    {
        var dump = await node.Controller.OpenDumpAsync(cancellationToken);
        Opened++;
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 128 << 10, resumeWriterThreshold: 64 << 10));
        var stop = new CancellationTokenSource();
        return new Opening(dump, Wrap(Opened, pipe.Reader.AsStream()), WriteAsync(dump, pipe.Writer, stop.Token), stop);
    }

    private static async Task WriteAsync(MariaDb.Dump.DatabaseDump dump, PipeWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = writer.AsStream(leaveOpen: true);
            await dump.WriteToAsync(stream, null, cancellationToken);
            await writer.CompleteAsync();
        }
        catch (Exception e)
        {
            await writer.CompleteAsync(new IOException("The source broke off: " + e.Message, e));
        }
    }

    private sealed class Opening(MariaDb.Dump.DatabaseDump dump, Stream content, Task writing, CancellationTokenSource stop) : IMigrationStream
    {
        public string Position => dump.Position;

        public long Lsn => dump.Lsn;

        public long EstimatedBytes => dump.EstimatedBytes;

        public Stream Content => content;

        public async ValueTask DisposeAsync()
        {
            await content.DisposeAsync();
            await stop.CancelAsync();
            await writing;
            await dump.DisposeAsync();
            stop.Dispose();
        }
    }
}

/// <summary>A stream that does something once so many bytes have passed: ends, changes a byte, or waits for what the test does meanwhile.</summary>
internal sealed class MeddlingStream(Stream inner, long at, Func<Memory<byte>, Task<int>> meddle) : Stream
{
    private long _passed;
    private bool _meddled;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => _passed; set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        _passed += read;
        if (_meddled || _passed < at)
            return read;
        _meddled = true;
        return await meddle(buffer[..read]);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
