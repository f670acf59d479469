using System.Buffers;

namespace WolfScale.Proxy.Net;

/// <summary>
/// A socket on a loop: receives into the loop's scratch buffer, sends at once what the kernel takes, and keeps the rest until it is writable. While
/// anything is kept, its owner stops reading from the other side: that is the back-pressure, and the bound on the memory.
/// </summary>
internal abstract class Connection : IEventHandler
{
    /// <summary>How often one may go on before the loop's others have their turn.</summary>
    protected const int TurnsAtOnce = 64;

    private int _descriptor;
    private int _slot;
    private byte[]? _kept;
    private int _keptStart;
    private int _keptEnd;
    private bool _readable;
    private bool _ended;
    private Action? _resume;
    private bool _resumesSoon;

    protected Connection(EventLoop loop, int descriptor)
    {
        (Loop, _descriptor) = (loop, descriptor);
        _slot = loop.Watch(descriptor, this);
    }

    public EventLoop Loop { get; }

    public bool IsClosed { get; private set; }

    /// <summary>What was sent waits for the other side to read.</summary>
    public bool IsCongested => _kept is not null;

    /// <summary>Bytes kept for sending.</summary>
    public int KeptBytes => _keptEnd - _keptStart;

    /// <summary>Sends these bytes, or keeps what the kernel does not take now. They are copied where they are kept.</summary>
    /// <returns>False when the connection is broken; <see cref="OnBroken"/> is not called for it.</returns>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        if (IsClosed)
            return false;
        if (_kept is null && bytes.Length > 0)
        {
            var sent = Libc.Send(_descriptor, bytes);
            if (sent < 0)
                return false;
            bytes = bytes[sent..];
        }

        if (bytes.Length > 0)
            Keep(bytes);
        return true;
    }

    /// <summary>Receives what is there.</summary>
    /// <returns>Bytes received; 0 at the end of the stream; −1 when there is nothing now; −2 when the connection is broken.</returns>
    public int Receive(Span<byte> into)
    {
        if (!_readable || into.IsEmpty) // recv(2) says 0 where there is no room, as at the end of the stream
            return -1;
        var received = Libc.Receive(_descriptor, into);
        // Less than asked for means that the kernel has nothing more: the next byte raises an edge of its own (epoll(7), Q9).
        // Not so the end of the stream, which came with the last edge.
        if (received == -1 || (received > 0 && received < into.Length && !_ended))
            _readable = false;
        return received;
    }

    public void Close()
    {
        if (IsClosed)
            return;
        IsClosed = true;
        Loop.Forget(_slot);
        Libc.Close(_descriptor);
        if (_kept is { } kept)
            ArrayPool<byte>.Shared.Return(kept);
        _kept = null;
    }

    /// <summary>Gives the socket away and goes on with another one in its place; nothing must wait to be sent.</summary>
    /// <param name="exchange">Takes the old descriptor, returns the new one.</param>
    protected void Rebind(Func<int, int> exchange)
    {
        Loop.Release(_slot, _descriptor);
        try
        {
            _descriptor = exchange(_descriptor);
        }
        catch
        {
            IsClosed = true; // its slot is free already
            Libc.Close(_descriptor);
            throw;
        }

        (_readable, _ended) = (false, false);
        _slot = Loop.Watch(_descriptor, this);
    }

    /// <summary>What became of a connection that was begun: 0, or errno.</summary>
    protected int ConnectResult() => Libc.ConnectResult(_descriptor);

    public void OnReady(bool readable, bool ended, bool writable)
    {
        _readable |= readable;
        _ended |= ended;
        if (writable && !IsClosed && !Flush())
            return;
        if (HasInput && !IsClosed)
            OnReadable();
    }

    public abstract void OnFault(Exception fault);

    /// <summary>Something waits that may be wanted: in the kernel, or received before.</summary>
    public virtual bool HasInput => _readable;

    /// <summary>Takes up receiving where it was left.</summary>
    public void Resume()
    {
        try
        {
            if (!IsClosed && HasInput)
                OnReadable();
        }
        catch (Exception e)
        {
            OnFault(e); // called from elsewhere than the loop, which would do this
        }
    }

    /// <summary>The same, behind what waits for the loop by now. Once, however often it is asked for.</summary>
    public void ResumeSoon()
    {
        if (_resumesSoon)
            return;
        _resumesSoon = true;
        Loop.Post(_resume ??= () =>
        {
            _resumesSoon = false;
            Resume();
        });
    }

    /// <summary>Whether something may be read; also true where only an end or an error waits.</summary>
    protected bool IsReadable => _readable;

    /// <summary>What may still be read is followed by the end of the stream.</summary>
    protected bool HasEnded => _ended;

    /// <summary>There is something to receive. Also to be called by the owner when it stopped receiving before.</summary>
    public abstract void OnReadable();

    /// <summary>It can be written to for the first time: connected, or not.</summary>
    protected abstract void OnWritable();

    /// <summary>Sending what was kept failed.</summary>
    protected abstract void OnBroken();

    private bool Flush()
    {
        while (_kept is { } kept)
        {
            var sent = Libc.Send(_descriptor, kept.AsSpan(_keptStart, _keptEnd - _keptStart));
            if (sent < 0)
            {
                OnBroken();
                return false;
            }

            if (sent == 0)
                return true;
            _keptStart += sent;
            if (_keptStart == _keptEnd)
            {
                ArrayPool<byte>.Shared.Return(kept);
                (_kept, _keptStart, _keptEnd) = (null, 0, 0);
            }
        }

        OnWritable();
        return !IsClosed;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        _kept ??= ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length, 4096));
        if (_keptEnd + bytes.Length > _kept.Length)
        {
            var larger = _keptEnd - _keptStart + bytes.Length > _kept.Length ? ArrayPool<byte>.Shared.Rent(2 * (_keptEnd - _keptStart + bytes.Length)) : _kept;
            _kept.AsSpan(_keptStart, _keptEnd - _keptStart).CopyTo(larger);
            if (larger != _kept)
                ArrayPool<byte>.Shared.Return(_kept);
            (_keptEnd, _keptStart) = (_keptEnd - _keptStart, 0);
            _kept = larger;
        }

        bytes.CopyTo(_kept.AsSpan(_keptEnd));
        _keptEnd += bytes.Length;
    }
}
