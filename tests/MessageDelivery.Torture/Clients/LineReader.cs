using System.Net.Sockets;
using System.Text;

namespace MessageDelivery.Torture.Clients;

/// <summary>Whole lines from a stream, without their line ends; the last one, cut off before its end, is no line.</summary>
internal sealed class LineReader(NetworkStream stream)
{
    private byte[] _bytes = new byte[16 << 10];
    private int _start;
    private int _end;

    /// <summary>The next line, one character for each byte; null at the end.</summary>
    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int length = _bytes.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (length >= 0)
            {
                string line = Encoding.Latin1.GetString(_bytes, _start, length);
                _start += length + 1;
                return line;
            }

            MakeRoom();
            int count = await stream.ReadAsync(_bytes.AsMemory(_end), cancellationToken);
            if (count == 0)
            {
                return null;
            }

            _end += count;
        }
    }

    private void MakeRoom()
    {
        _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
        (_start, _end) = (0, _end - _start);
        if (_end == _bytes.Length)
        {
            Array.Resize(ref _bytes, 2 * _bytes.Length);
        }
    }
}
