"""Writes core_format_numpy.json: arrays and how NumPy prints them.

python3 tests/null/core_format_numpy.py > tests/null/core_format_numpy.json  (NumPy 2.4.6)
"""
import json
import numpy as np

cases=[]
rng=np.random.default_rng(7)
OPTIONS = {'precision': 'precision', 'threshold': 'threshold', 'edgeitems': 'edgeItems', 'linewidth': 'lineWidth'}


def bits(a):
    flat = np.ascontiguousarray(a).reshape(-1)
    if a.dtype == np.float32: return flat.view(np.uint32).tolist()
    if a.dtype == np.float16: return flat.view(np.uint16).tolist()
    return flat.tolist()


def add(name, a, data=None, **o):
    with np.printoptions(**o):
        text = repr(a)
    cases.append(dict(name=name, dtype=str(a.dtype), shape=list(a.shape),
                      data=data or bits(a), options={OPTIONS[k]: v for k, v in o.items()}, text=text))


def ramp(name, shape, divisor, offset, dtype=np.float32, **o):
    """A large array by its formula: i / divisor - offset, rounded to the dtype."""
    a = (np.arange(np.prod(shape), dtype=np.float64) / divisor - offset).astype(dtype).reshape(shape)
    add(name, a, dict(divisor=divisor, offset=offset), **o)


f=np.float32
add('simple',np.array([[1,2.5],[-3,4]],f))
add('scalar',np.array(3,f)); add('negative scalar',np.array(-0.1,f))
add('empty',np.zeros((0,),f)); add('empty matrix',np.zeros((0,3),f)); add('empty tail',np.zeros((2,0),np.int32))
add('zeros',np.zeros((2,3),f)); add('negative zero',np.array([-0.0,0.0],f))
add('nan inf',np.array([np.nan,np.inf,-np.inf,1.5],f)); add('only nan',np.array([np.nan,np.nan],f)); add('only -inf',np.array([-np.inf],f)); add('nan with short',np.array([1,np.nan],f))
add('nan in scientific',np.array([1e-10,np.nan,-np.inf],f))
add('thirds',np.arange(6,dtype=f).reshape(2,3)/3)
add('small',np.array([1e-5,1.],f)); add('ratio',np.array([0.5,600.],f)); add('ratio not',np.array([0.5,500.],f)); add('boundary small',np.array([0.0001],f)); add('below small',np.array([0.00009],f))
add('million',np.array([999999.,1000000.],f)); add('below million',np.array([999999.,1000.5],f))
add('ties',np.array([1/512,3/512,5/512,0.5+1/512],f)); add('ties 2',(np.arange(1,40,dtype=f)*2+1)/512)
add('powers',2.0**np.arange(-20,0).astype(f)); add('large powers',(2.0**np.arange(-126,128,13)).astype(f)); add('max min',np.array([np.finfo(f).max,np.finfo(f).tiny,1.4e-45],f)); add('denormal',np.array([1.4e-45],f))
add('long row',np.arange(40,dtype=f)); add('cube',np.arange(24,dtype=f).reshape(2,3,4)); add('four axes',np.arange(16,dtype=f).reshape(2,2,2,2)); add('wide cube',rng.standard_normal((2,2,12)).astype(f))
ramp('summary',(2000,),1,0); ramp('summary 2d',(40,50),7,100); ramp('summary 4d',(4,7,8,9),1000,0.5); ramp('summary thin',(3,1000),3,0); ramp('at threshold',(1000,),1,0); ramp('summary integers',(100,100),1,0,np.int32)
ramp('summary narrow numbers hidden',(1500,),1,750); ramp('summary half',(30,40),64,9,np.float16)
add('edge one',np.arange(200,dtype=f).reshape(10,20),threshold=50,edgeitems=1)
add('precision 3',rng.standard_normal(10).astype(f),precision=3); add('precision 0',np.array([1.5,2.5,0.25,10],f),precision=0); add('precision carry',np.array([0.9999,0.99999],f),precision=3); add('narrow',np.arange(12,dtype=f).reshape(2,6),linewidth=20); add('too narrow',np.array([123456.5,2],f),linewidth=5)
add('dtype wraps',np.arange(14,dtype=f)*1.5)
for n in range(8,20): add(f'suffix fits {n}',np.arange(n,dtype=f)+0.5)
for d in (np.int32,np.int8,np.uint8):
    add(f'{d.__name__}',np.array([[1,20,100],[0,7,9]],d)); add(f'{d.__name__} scalar',np.array(5,d))
add('negative integers',np.array([-128,127,0],np.int8)); add('integer extremes',np.array([-2**31,2**31-1],np.int32)); add('integer rows',np.arange(60,dtype=np.uint8).reshape(3,20)); add('many uint8',np.arange(100,dtype=np.uint8))
h=np.float16
add('half',np.array([1,0.1,0.333],h)); add('half thousand',np.array([999,1000],h)); add('half below',np.array([999,998.5],h)); add('half extremes',np.array([65504,6e-8],h)); add('half small',np.array([0.0001,0.00010002],h)); add('half nan',np.array([np.nan,np.inf,2],h)); add('half ratio',np.array([0.06,60.0,60.1],h))
for i in range(25):
    a=(rng.standard_normal(7)*10.0**rng.integers(-3,4)).astype(f); add(f'random {i}',a)
for i in range(15):
    a=rng.integers(0,2**32,9,dtype=np.uint64).astype(np.uint32).view(f); add(f'bits {i}',a)
for i in range(15):
    a=rng.integers(0,2**16,9,dtype=np.uint32).astype(np.uint16).view(h); add(f'half bits {i}',a)
for i in range(15):
    a=(rng.uniform(0.0001,0.09,8)).astype(f); add(f'near {i}',a)
print(json.dumps(dict(numpy=np.__version__, cases=cases), separators=(',', ':')).replace('},{"name"', '},\n{"name"'))
