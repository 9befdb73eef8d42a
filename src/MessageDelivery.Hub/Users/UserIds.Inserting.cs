using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Users;

/// <content>Ids that do not come in their order.</content>
internal sealed partial class UserIds
{
    /// <summary>Adds an id, which must not be there, in its place.</summary>
    public void Add(ulong id)
    {
        if (_pages.Count == 0 || Ids(_pages[^1])[^1] < id)
        {
            Append(id);
            return;
        }

        int index = PageOf(id);
        if (_pages[index].Length == MaxPageBytes)
        {
            Split(index);
            index = PageOf(id);
        }

        var page = _pages[index];
        int place = ~Ids(page).BinarySearch(id) * sizeof(ulong);
        var (before, after) = (page with { Length = place }, new Segment(page.Block, page.Offset + place, page.Length - place));
        var block = page.Block.IsExclusive && page.Length < page.Block.Capacity
            ? page.Block
            : pool.Rent(Fitting(page.Length + sizeof(ulong)));
        after.Span.CopyTo(block.Span(place + sizeof(ulong), after.Length));
        MemoryMarshal.Write(block.Span(place, sizeof(ulong)), id);
        _pages[index] = new(block, 0, page.Length + sizeof(ulong));
        if (!ReferenceEquals(block, page.Block))
        {
            before.Span.CopyTo(block.Span(0, place));
            page.Block.Release();
        }

        Count++;
    }

    /// <summary>Makes two pages of one, each with room.</summary>
    private void Split(int index)
    {
        var page = _pages[index];
        int half = page.Length / 2 / sizeof(ulong) * sizeof(ulong);
        var first = Copy(page with { Length = half });
        try
        {
            _pages.Insert(index + 1, Copy(new(page.Block, half, page.Length - half)));
        }
        catch
        {
            first.Block.Release();
            throw;
        }

        _pages[index] = first;
        page.Block.Release();
    }

    private Segment Copy(in Segment ids)
    {
        var block = pool.Rent(Fitting(ids.Length + sizeof(ulong)));
        ids.Span.CopyTo(block.Span(0, ids.Length));
        return new(block, 0, ids.Length);
    }
}
