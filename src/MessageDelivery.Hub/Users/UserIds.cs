using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// The ids of all users, ascending, in pages of message memory. Who asks for them gets the pages themselves, each with a
/// reference: what a page held then is never written again, so that a list stays as it was, however long it takes to send.
/// Guarded by the registry's lock.
/// </summary>
/// <remarks>
/// Where ids only grow, a new one goes behind the last, where no list has looked; else into its page, like who leaves. Who leaves is taken out of one page, in place if
/// no list holds it, else by copying that page. See docs/adr/0004.
/// </remarks>
internal sealed partial class UserIds(BlockPool pool)
{
    /// <summary>A page holds at most this: what a leaving user can cost, and what one id can pin.</summary>
    public const int MaxPageBytes = BlockSizes.MediumBytes;

    // Two neighbours that fit into less than a page become one, so that pages are at least three eighths full on average. With
    // room to spare: a page that was just made must not be made again for the next user.
    private const int MaxJoinedBytes = MaxPageBytes / 4 * 3;

    // Each from the start of its block; the length is what is filled.
    private readonly List<Segment> _pages = [];

    public int Count { get; private set; }

    /// <summary>Adds an id, which must be above all others.</summary>
    public void Append(ulong id)
    {
        if (_pages.Count == 0 || _pages[^1].Length == _pages[^1].Block.Capacity)
        {
            _pages.Add(new(pool.Rent(Fitting((Count + 1) * sizeof(ulong))), 0, 0));
        }

        var page = _pages[^1];
        MemoryMarshal.Write(page.Block.Span(page.Length, sizeof(ulong)), id);
        _pages[^1] = page with { Length = page.Length + sizeof(ulong) };
        Count++;
    }

    /// <summary>Takes out an id, which must be there.</summary>
    public void Remove(ulong id)
    {
        int index = PageOf(id);
        var page = _pages[index];
        var (before, after) = Around(page, Ids(page).BinarySearch(id));
        if (page.Length == sizeof(ulong))
        {
            _pages.RemoveAt(index);
            page.Block.Release();
        }
        else if (page.Block.IsExclusive)
        {
            after.Span.CopyTo(page.Block.Span(before.End, after.Length));
            _pages[index] = page with { Length = page.Length - sizeof(ulong) };
        }
        else
        {
            _pages[index] = Copy(before, after);
            page.Block.Release();
        }

        Count--;
        JoinWithNext(index);
        JoinWithNext(index - 1);
    }

    /// <summary>Adds all ids but one to a list, in pieces with a reference each.</summary>
    /// <param name="without">The id that is left out; it need not be there.</param>
    public void CopyTo(SegmentList list, ulong without)
    {
        int cut = PageOf(without);
        for (int i = 0; i < _pages.Count; i++)
        {
            var page = _pages[i];
            int place = i == cut ? Ids(page).BinarySearch(without) : -1;
            if (place < 0)
            {
                Share(list, page);
                continue;
            }

            var (before, after) = Around(page, place);
            Share(list, before);
            Share(list, after);
        }
    }

    private static ReadOnlySpan<ulong> Ids(in Segment page) => MemoryMarshal.Cast<byte, ulong>(page.Span);

    private static BlockSize Fitting(int bytes) => BlockSizes.For(Math.Min(bytes, MaxPageBytes));

    private static (Segment Before, Segment After) Around(in Segment page, int place)
    {
        int end = (place + 1) * sizeof(ulong);
        return (page with { Length = end - sizeof(ulong) }, new(page.Block, end, page.Length - end));
    }

    private static void Share(SegmentList list, in Segment piece)
    {
        if (piece.Length > 0)
        {
            piece.Block.Retain();
            list.Add(piece);
        }
    }

    private void JoinWithNext(int index)
    {
        if (index < 0 || index + 1 >= _pages.Count)
        {
            return;
        }

        var (page, next) = (_pages[index], _pages[index + 1]);
        if (page.Length + next.Length > MaxJoinedBytes)
        {
            return;
        }

        Segment joined;
        try
        {
            joined = Copy(page, next);
        }
        catch (InsufficientMemoryException)
        {
            // They stay two: joining them only saves memory later.
            return;
        }

        _pages[index] = joined;
        _pages.RemoveAt(index + 1);
        page.Block.Release();
        next.Block.Release();
    }

    private Segment Copy(in Segment first, in Segment second)
    {
        var block = pool.Rent(Fitting(first.Length + second.Length));
        first.Span.CopyTo(block.Span(0, first.Length));
        second.Span.CopyTo(block.Span(first.Length, second.Length));
        return new(block, 0, first.Length + second.Length);
    }

    /// <summary>The page an id is in, or would be.</summary>
    private int PageOf(ulong id)
    {
        int low = 0;
        int high = _pages.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Ids(_pages[middle])[0] <= id)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }
}
