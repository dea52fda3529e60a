"""The texts that the conformance cases start from: ordinary Chinese writing of several kinds."""

from __future__ import annotations

import json

from benchmarks.corpora import SEED_FOLDER, paragraphs

ESSAY = (
    "村口的老图书馆只有两间屋子，书架是木匠老陈亲手打的。每到周末，附近的孩子就挤在窗边看书，谁也不说话。",
    "管理员是一位退休的语文老师，他记得每个孩子上次读到哪一页。有人问他为什么还留在这里，他笑着说，书没有人读，就会慢慢老去。",
    "去年冬天下了大雪，屋顶漏水，许多书都受了潮。大家把书一本一本搬到学校的教室里，用吹风机和旧报纸慢慢烘干。",
    "春天来的时候，县里拨了一笔钱，给屋顶换了新瓦，还添了三百多册新书。孩子们自己动手做了借书卡，上面画着山、河和飞机。",
    "我离开村子已经十年了，可是每次回去，总要先到那两间屋子里坐一会儿。窗外的槐树长高了，屋里的灯还是那样亮。",
)
NEWS = (
    "本报讯（记者李明）市气象台昨天发布消息，受冷空气影响，未来三天本市气温将下降六到八度，北部山区有小到中雪。",
    "气象专家提醒市民注意防寒保暖，出行时留意道路结冰。交通部门表示，已经安排四十台除雪车在主要路段待命。",
    "记者在城南农贸市场看到，蔬菜供应充足，价格与上周基本持平。摊主王女士说：“进货比平时早了两个小时，怕路上堵车。”",
    "市教育局要求各学校检查供暖设备，保证教室温度。遇到特殊天气，学校可以推迟上课时间，并提前通知家长。",
    "截至记者发稿时，全市公共交通运行正常，机场没有航班取消。有关部门将继续关注天气变化，及时发布信息。",
)
GUIDE = (
    "这篇短文介绍怎样在家里种番茄。先选一个阳光充足的阳台，准备一个深度三十厘米左右的花盆，底部要有排水孔。",
    "种子用温水浸泡半天，再放在湿纸巾上催芽。大约五天以后，白色的小根就会长出来，这时可以移到土里，盖上一层薄土。",
    "浇水的原则是见干见湿：手指插进土里两厘米，感觉干了再浇透。水太多根会烂，水太少叶子会卷。",
    "植株长到二十厘米高时，需要插一根竹竿，把主茎轻轻绑上去。侧枝要及时摘掉，养分才能集中到果实。",
    "开花以后，可以用棉签帮助授粉；果实变红之前，每隔十天施一次稀薄的肥料。等到果皮发亮、略微变软，就可以采摘了。",
)
TECH = (
    "Dagster 把数据处理写成资产（asset），每个资产都知道自己依赖谁，因此修改一处，系统就能算出哪些结果需要重新生成。",
    "安装时先建立虚拟环境，再运行 pip 命令；如果网络较慢，可以换用国内的镜像站点，速度会快很多。",
    "与 Airflow 相比，它更关心数据本身而不是任务的顺序。开发者在本地用 pytest 就能测试大部分逻辑，不必启动整个集群。",
    "我们在一台八核的服务器上做了试验，读取 Parquet 文件、清洗文本、计算签名，用了不到四十分钟，内存始终在 6 GB 以下。",
    "需要注意的是，JSON 里的时间最好统一成 UTC，否则跨时区的团队很容易把昨天的数据当成今天的。",
)
TRADITIONAL = (
    "巷口那間舊書店開了四十多年，老闆總是坐在門邊的藤椅上，一邊喝茶一邊替客人找書。",
    "店裡的書沒有電腦編號，全憑他的記憶。你說出作者的名字，他就能走到某個書架前，從第三層抽出你要的那一本。",
    "去年房東要把房子收回去，附近的鄰居聽說以後，自發地寫信給報社，希望這間小店能夠留下來。",
    "後來區公所出面協調，書店搬到了對面的二樓，招牌還是原來那一塊，只是樓梯陡了一點。",
    "老闆說，他不懂什麼經營，只知道書要有人讀。每到下雨天，樓上總是坐滿了避雨的學生，沒有人急著離開。",
)
ENGLISH = (
    "The old library at the edge of the village has only two rooms, and the shelves were made by a local carpenter.",
    "Every weekend the children of the neighbourhood sit by the window and read, and nobody says a word for hours.",
    "The librarian is a retired teacher who remembers the page that each child had reached the week before.",
    "When the roof leaked last winter, everyone carried the books to the school and dried them one by one.",
)
JAPANESE = (
    "村のはずれにある古い図書館には部屋が二つしかなく、本棚は大工の田中さんが自分で作ったものです。",
    "週末になると近所の子どもたちが窓のそばに集まり、だれも話さずに静かに本を読んでいます。",
    "司書は退職した国語の先生で、どの子が先週どのページまで読んだかをすべて覚えているそうです。",
    "去年の冬に大雪で屋根が壊れたときは、みんなで本を学校の教室まで運び、一冊ずつ乾かしました。",
)
KOREAN = (
    "마을 끝에 있는 오래된 도서관에는 방이 두 개뿐이고, 책장은 목수가 직접 만든 것입니다.",
    "주말이 되면 아이들이 창가에 모여 아무 말 없이 조용히 책을 읽습니다. 사서는 은퇴한 국어 선생님입니다.",
    "지난겨울 눈이 많이 내려 지붕이 샜을 때, 사람들은 책을 한 권씩 학교 교실로 옮겨 말렸습니다.",
)
POEM = (
    "夜雨敲着窗，",
    "像谁在远方叫我的名字。",
    "灯下翻开旧信，",
    "墨迹淡了，纸也黄了。",
    "那年我们在江边分手，",
    "说好春天再见，",
    "可是桃花开了又谢，",
    "船来了又走，",
    "只有潮水还记得约定。",
    "如今我也有了白发，",
    "孩子问我信里写着什么？",
    "我说：写着一条河，",
    "和两个不肯长大的人。",
    "雨停了，月亮爬上屋檐，",
    "我把信折好，放回原处，",
    "像把一只小船推向夜里。",
)
MENU = (
    "首页",
    "新闻",
    "财经",
    "体育",
    "娱乐",
    "科技",
    "汽车",
    "房产",
    "教育",
    "健康",
    "旅游",
    "游戏",
    "视频",
    "图片",
    "论坛",
    "博客",
    "微博",
    "邮箱",
    "地图",
    "天气",
    "彩票",
    "股票",
    "基金",
    "招聘",
)


def laws(n_paragraphs: int, skip: int = 0) -> str:
    """Consecutive paragraphs of statutes."""
    return "\n".join(paragraphs(SEED_FOLDER / "text" / "laws.zh.jsonl")[skip : skip + n_paragraphs])


def novel(n_chars: int) -> str:
    """The beginning of modern short stories with dialogue, whole paragraphs of about so many characters."""
    return _until(paragraphs(SEED_FOLDER / "text" / "nahan.zh.txt")[10:], n_chars)


def classical_novel(n_chars: int) -> str:
    """A novel of the fourteenth century, whole paragraphs of about so many characters."""
    return _until(paragraphs(SEED_FOLDER / "text" / "sanguo.zh.txt"), n_chars)


def classical_poems(n_poems: int) -> str:
    """Classical poems in Traditional characters, a couplet a line."""
    lines = (SEED_FOLDER / "text" / "poems.zh-Hant.jsonl").read_text(encoding="utf-8").splitlines()[:n_poems]
    return "\n".join(json.loads(line)["text"] for line in lines)


def _until(parts: list[str], n_chars: int) -> str:
    chosen: list[str] = []
    for part in parts:
        if sum(map(len, chosen)) >= n_chars:
            break
        chosen.append(part)
    return "\n".join(chosen)
